//! What is measured of the process, under the names that Prometheus' own client libraries give it. Only Linux tells.

use prometheus_client::registry::Registry;

/// Adds what there is on this system.
pub(super) fn register(registry: &mut Registry) {
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(linux::Process));
    #[cfg(not(target_os = "linux"))]
    let _ = registry;
}

#[cfg(target_os = "linux")]
mod linux {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
    use prometheus_client::metrics::MetricType;
    use prometheus_client::metrics::counter::ConstCounter;
    use prometheus_client::metrics::gauge::ConstGauge;
    use prometheus_client::registry::Unit;

    /// Reads `/proc/self` whenever it is asked.
    #[derive(Debug)]
    pub(super) struct Process;

    impl Collector for Process {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            // What cannot be read is left out; nobody can do anything about it here.
            let Ok(process) = procfs::process::Process::myself() else { return Ok(()) };
            let Ok(stat) = process.stat() else { return Ok(()) };
            let ticks = procfs::ticks_per_second();
            #[expect(clippy::cast_precision_loss, reason = "hundredths of seconds over centuries still fit")]
            let seconds = |in_ticks: u64| in_ticks as f64 / ticks as f64;
            let cpu = ConstCounter::new(seconds(stat.utime + stat.stime));
            let cpu_encoder = encoder.encode_descriptor(
                "process_cpu",
                "Processor time spent.",
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?;
            cpu.encode(cpu_encoder)?;
            let mut gauge = |name, help, unit: Option<&Unit>, value: u64| {
                let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                value.encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
            };
            let bytes = Some(&Unit::Bytes);
            gauge("process_resident_memory", "Memory held.", bytes, stat.rss * procfs::page_size())?;
            gauge("process_virtual_memory", "Addresses taken.", bytes, stat.vsize)?;
            gauge("process_threads", "Threads.", None, u64::try_from(stat.num_threads).unwrap_or_default())?;
            if let Ok(open) = process.fd_count() {
                gauge("process_open_fds", "Files and sockets open.", None, open as u64)?;
            }
            if let Ok(limits) = process.limits()
                && let procfs::process::LimitValue::Value(most) = limits.max_open_files.soft_limit
            {
                gauge("process_max_fds", "Files and sockets that may be open.", None, most)?;
            }
            if let Ok(booted) = procfs::boot_time_secs() {
                let started = booted + stat.starttime / ticks.max(1);
                let help = "When the process started, in seconds since 1970.";
                gauge("process_start_time", help, Some(&Unit::Seconds), started)?;
            }
            Ok(())
        }
    }
}
