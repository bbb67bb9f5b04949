//! Which of the two programs we stand in for, and how places become regions and zones.

use std::fmt;

/// The cloud provider that `--cloud-provider` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// As `packet-ccm`.
    Packet,
    /// As `cloud-provider-equinix-metal`.
    EquinixMetal,
}

impl Provider {
    /// Both, in the order in which messages list them.
    pub const ALL: [Self; 2] = [Self::Packet, Self::EquinixMetal];

    /// The name on the command line, which is the scheme of the provider IDs it writes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::EquinixMetal => "equinixmetal",
        }
    }

    /// The topology that clusters of this provider have had so far.
    #[must_use]
    pub fn default_topology(self) -> Topology {
        match self {
            Self::Packet => Topology::FacilityRegion,
            Self::EquinixMetal => Topology::MetroRegion,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the region and zone labels say. A setting, because relabelling a running cluster breaks volume affinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// The region is the facility; no zone.
    FacilityRegion,
    /// The region is the metro; no zone.
    MetroRegion,
    /// The region is the metro, the zone the facility, as Kubernetes' well-known labels mean them.
    MetroFacility,
}

impl Topology {
    /// All of them, in the order in which messages list them.
    pub const ALL: [Self; 3] = [Self::FacilityRegion, Self::MetroRegion, Self::MetroFacility];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FacilityRegion => "facility-region",
            Self::MetroRegion => "metro-region",
            Self::MetroFacility => "metro-facility",
        }
    }

    /// Whether a label of this topology shows the facility.
    #[must_use]
    pub fn needs_facility(self) -> bool {
        matches!(self, Self::FacilityRegion | Self::MetroFacility)
    }

    /// Whether a label of this topology shows the metro.
    #[must_use]
    pub fn needs_metro(self) -> bool {
        matches!(self, Self::MetroRegion | Self::MetroFacility)
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
