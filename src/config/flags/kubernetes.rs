//! The flags that say how to reach Kubernetes, and how fast to write to it.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::values;
use crate::config::{KubernetesConnection, Problem};

/// client-go's burst where only the rate is given (component-base `RecommendedDefaultClientConnectionConfiguration`).
const DEFAULT_BURST: i64 = 30;

/// How to reach Kubernetes, and how fast to write to it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kubernetes API")]
pub struct KubernetesFlags {
    /// How to reach Kubernetes; without it, the ServiceAccount of the Pod is used
    #[arg(long, value_name = "FILE", value_parser = values::path(), value_hint = ValueHint::FilePath)]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Address of the API server, in place of the one that the kubeconfig or the Pod names
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) master: Option<String>,

    /// Writes per second; without it, or with 0 or less, the API server sets the pace
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(super) kube_api_qps: Option<f64>,

    /// Writes that may go out at once after a pause, with --kube-api-qps [default: 30]
    #[arg(long, value_name = "N")]
    pub(super) kube_api_burst: Option<i64>,
}

impl KubernetesFlags {
    /// How to reach Kubernetes.
    pub(in crate::config) fn connection(&self) -> KubernetesConnection {
        KubernetesConnection {
            kubeconfig: values::given(self.kubeconfig.as_ref()).map(Into::into),
            master: self.master.clone().filter(|master| !master.is_empty()),
        }
    }

    /// Writes per second and burst, where a pace is given.
    pub(in crate::config) fn pace(
        &self,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Option<(f64, NonZeroU32)> {
        let burst = self.kube_api_burst.unwrap_or(DEFAULT_BURST);
        let Some(rate) = self.kube_api_qps.filter(|rate| *rate > 0.0) else {
            if burst != DEFAULT_BURST {
                let why = "without a --kube-api-qps above 0: the API server sets the pace of writes";
                warnings.push(format!("--kube-api-burst has no effect {why}"));
            }
            return None;
        };
        let burst = u32::try_from(burst.min(u32::MAX.into())).ok().and_then(NonZeroU32::new);
        if burst.is_none() {
            let given = self.kube_api_burst.unwrap_or_default();
            problems.push(Problem::flag("--kube-api-burst", &given, "a whole number, 1 or more"));
        }
        Some((rate, burst?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(kube_api_qps: Option<f64>, kube_api_burst: Option<i64>) -> (Option<(f64, u32)>, usize, usize) {
        let flags = KubernetesFlags { kubeconfig: None, master: None, kube_api_qps, kube_api_burst };
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let pace = flags.pace(&mut problems, &mut warnings);
        (pace.map(|(rate, burst)| (rate, burst.get())), problems.len(), warnings.len())
    }

    #[test]
    fn a_burst_without_a_rate_does_nothing_and_says_so_unless_it_is_the_default() {
        assert_eq!(pace(None, None), (None, 0, 0));
        assert_eq!(pace(None, Some(30)), (None, 0, 0));
        assert_eq!(pace(None, Some(50)), (None, 0, 1));
        assert_eq!(pace(Some(-1.0), Some(0)), (None, 0, 1));
    }

    #[test]
    fn a_rate_has_a_burst() {
        assert_eq!(pace(Some(20.0), None), (Some((20.0, 30)), 0, 0));
        assert_eq!(pace(Some(20.0), Some(50)), (Some((20.0, 50)), 0, 0));
        assert_eq!(pace(Some(20.0), Some(0)), (None, 1, 0));
        assert_eq!(pace(Some(20.0), Some(-1)), (None, 1, 0));
    }
}
