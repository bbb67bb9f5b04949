//! The stock that a server starts with: the real API's metros, most of its facilities, some of its plans.

use super::{Catalogue, Facility, Metro, OperatingSystem, Plan};
use serde_json::{Value, json};
use uuid::Uuid;

/// The real API's metros: id, code, name, country.
const METROS: [(u128, &str, &str, &str); 24] = [
    (0x0446_ac38_aae0_45f5_959c_54d2_6c4f_c3c7, "px", "Phoenix", "US"),
    (0x8332_25d2_a35a_49cf_a67c_1f84_d5d1_1654, "mr", "Marseille", "FR"),
    (0x96a5_7b6d_c62c_41b5_ab8e_f8d6_3a7f_9887, "dc", "Washington DC", "US"),
    (0xa04e_45e4_4356_458c_b25a_b72c_c54b_dad1, "at", "Atlanta", "US"),
    (0x932e_ecda_6808_44b9_a3be_3abe_f497_96ef, "ny", "New York", "US"),
    (0x108b_2cfb_246b_45e3_885a_bf3e_82fc_e1a0, "am", "Amsterdam", "NL"),
    (0x5afb_3744_f80d_4b49_bf21_50ed_e925_2cfd, "tr", "Toronto", "CA"),
    (0xd2a8_e94f_2b42_4440_9c8e_8ef0_1def_cd27, "sl", "Seoul", "KR"),
    (0xd50f_d052_34ec_4977_a173_ad6f_9266_995d, "hk", "Hong Kong", "HK"),
    (0xf6ad_a324_8226_4bfc_99a8_453d_47ca_f2dc, "sg", "Singapore", "SG"),
    (0x5f72_cbf6_96e4_44f2_ae60_2138_88fa_2b9f, "ty", "Tokyo", "JP"),
    (0xb1ac_82b2_616c_4405_9424_457e_f6ed_f9ae, "fr", "Frankfurt", "DE"),
    (0xd2f0_9853_a1aa_4b29_aa9d_6824_62fd_8d1d, "sy", "Sydney", "AU"),
    (0x5f1d_3910_2059_4737_8e7d_d490_7cfb_f27f, "ld", "London", "GB"),
    (0x91fa_81e8_db1a_4da1_b218_7bee_aab6_f8bc, "kc", "Kansas City", "US"),
    (0xf2f0_f0b3_5359_4296_a402_56ab_ad84_2f56, "pa", "Paris", "FR"),
    (0x56c5_5e99_8125_4f65_af21_a868_2e03_3804, "ho", "Houston", "US"),
    (0xb8ff_a6c9_3da2_4cf1_b48d_0490_02b2_08fe, "se", "Seattle", "US"),
    (0x2991_b022_b8c4_497e_8db7_5a40_7c3a_209b, "sv", "Silicon Valley", "US"),
    (0xbb05_9cc0_0b2a_4f5b_8a55_219e_6b42_40da, "la", "Los Angeles", "US"),
    (0x6066_6d92_e00f_43a8_a9f8_fddf_6653_90ca, "ch", "Chicago", "US"),
    (0xd3d6_b29f_042d_43b7_b3ce_0bf5_3d57_54ca, "da", "Dallas", "US"),
    (0x543f_8059_65f6_4c2c_b7ad_6dac_5eb8_7085, "pi", "Pittsburgh", "US"),
    (0x583a_553a_465a_49f3_a8a9_5fa6_b44a_a519, "dt", "Detroit", "US"),
];

/// Facilities: code, name, metro. `sjc1` predates metros and never got one here, so that clients meet such a facility.
const FACILITIES: [(&str, &str, Option<&str>); 23] = [
    ("ewr1", "Parsippany, NJ", Some("ny")),
    ("sjc1", "Sunnyvale, CA", None),
    ("ams1", "Amsterdam, NL", Some("am")),
    ("am6", "Amsterdam", Some("am")),
    ("ch3", "Chicago", Some("ch")),
    ("da6", "Dallas", Some("da")),
    ("da11", "Dallas", Some("da")),
    ("dc10", "Washington DC", Some("dc")),
    ("dc13", "Washington DC", Some("dc")),
    ("fr2", "Frankfurt", Some("fr")),
    ("hk2", "Hong Kong", Some("hk")),
    ("la4", "Los Angeles", Some("la")),
    ("ld7", "London", Some("ld")),
    ("ny5", "New York", Some("ny")),
    ("ny7", "New York", Some("ny")),
    ("pa4", "Paris", Some("pa")),
    ("se4", "Seattle", Some("se")),
    ("sg1", "Singapore", Some("sg")),
    ("sv15", "Silicon Valley", Some("sv")),
    ("sv16", "Silicon Valley", Some("sv")),
    ("sy4", "Sydney", Some("sy")),
    ("tr2", "Toronto", Some("tr")),
    ("ty11", "Tokyo", Some("ty")),
];

/// The ids that the real API has for the oldest facilities.
const FACILITY_IDS: [(&str, u128); 3] = [
    ("ewr1", 0xe1e9_c52e_a0bc_4117_b996_0fc9_4843_ea09),
    ("sjc1", 0x2b70_eb8f_fa18_47c0_aba7_222a_8423_62fd),
    ("ams1", 0x8e64_70b3_b75e_47d1_bb93_45b2_2575_0975),
];

/// Plans: slug, kind, generation, processors, cores' type, memory, boot drives, data drives, network, dollars an hour.
struct StockPlan {
    slug: &'static str,
    kind: &'static str,
    generation: &'static str,
    processor: (u8, &'static str),
    memory: &'static str,
    drives: &'static [(u8, &'static str, &'static str, &'static str)],
    network: (u8, &'static str),
    hourly: f64,
}

const PLANS: [StockPlan; 7] = [
    StockPlan {
        slug: "c3.small.x86",
        kind: "standard",
        generation: "current_gen",
        processor: (1, "Intel(R) Xeon(R) E-2278G CPU @ 3.40GHz"),
        memory: "32GB",
        drives: &[(2, "480GB", "SSD", "boot")],
        network: (2, "10Gbps"),
        hourly: 0.75,
    },
    StockPlan {
        slug: "c3.medium.x86",
        kind: "standard",
        generation: "current_gen",
        processor: (1, "AMD EPYC 7402P 24-Core Processor @ 2.80GHz"),
        memory: "64GB",
        drives: &[(2, "240GB", "SSD", "boot"), (2, "480GB", "SSD", "storage")],
        network: (2, "10Gbps"),
        hourly: 1.5,
    },
    StockPlan {
        slug: "m3.large.x86",
        kind: "standard",
        generation: "current_gen",
        processor: (1, "AMD EPYC 7502P 32-Core Processor @ 2.50GHz"),
        memory: "256GB",
        drives: &[(2, "240GB", "SSD", "boot"), (2, "3.8TB", "NVME", "storage")],
        network: (2, "25Gbps"),
        hourly: 3.1,
    },
    StockPlan {
        slug: "s3.xlarge.x86",
        kind: "workload_optimized",
        generation: "current_gen",
        processor: (2, "Intel(R) Xeon(R) Silver 4214 CPU @ 2.20GHz"),
        memory: "192GB",
        drives: &[(2, "960GB", "SSD", "boot"), (2, "256GB", "NVME", "cache"), (12, "8TB", "HDD", "storage")],
        network: (2, "10Gbps"),
        hourly: 2.95,
    },
    StockPlan {
        slug: "n2.xlarge.x86",
        kind: "workload_optimized",
        generation: "legacy_gen",
        processor: (2, "Intel(R) Xeon(R) Gold 5120 CPU @ 2.20GHz"),
        memory: "384GB",
        drives: &[(2, "240GB", "SSD", "boot"), (1, "3.8TB", "NVME", "storage")],
        network: (4, "10Gbps"),
        hourly: 2.25,
    },
    StockPlan {
        slug: "t1.small.x86",
        kind: "standard",
        generation: "legacy_gen",
        processor: (1, "Intel Atom C2550 @ 2.4Ghz"),
        memory: "8GB",
        drives: &[(1, "80GB", "SSD", "boot")],
        network: (2, "1Gbps"),
        hourly: 0.07,
    },
    StockPlan {
        slug: "baremetal_0",
        kind: "standard",
        generation: "legacy_gen",
        processor: (1, "Intel Atom C2550 @ 2.4Ghz"),
        memory: "8GB",
        drives: &[(1, "80GB", "SSD", "boot")],
        network: (2, "1Gbps"),
        hourly: 0.05,
    },
];

/// Operating systems: slug, name, distribution, version.
const OPERATING_SYSTEMS: [(&str, &str, &str, &str); 5] = [
    ("ubuntu_22_04", "Ubuntu 22.04 LTS", "ubuntu", "22.04"),
    ("ubuntu_20_04", "Ubuntu 20.04 LTS", "ubuntu", "20.04"),
    ("debian_11", "Debian 11", "debian", "11"),
    ("flatcar_stable", "Flatcar Stable", "flatcar", "stable"),
    ("custom_ipxe", "Custom iPXE", "custom_ipxe", "1"),
];

impl Catalogue {
    /// What a server starts with.
    pub(crate) fn stock() -> Self {
        let metros: Vec<Metro> = METROS
            .iter()
            .map(|&(id, code, name, country)| Metro { id: Uuid::from_u128(id), ..Metro::new(code, name, country) })
            .collect();
        let facilities: Vec<Facility> =
            FACILITIES.iter().map(|&(code, name, metro)| stock_facility(code, name, metro)).collect();
        let plans = (0..).zip(&PLANS).map(|(n, plan)| stock_plan(n, plan, &facilities, &metros)).collect();
        let operating_systems = OPERATING_SYSTEMS
            .iter()
            .map(|&(slug, name, distro, version)| OperatingSystem::new(slug, name, distro, version))
            .collect();
        Self { metros, facilities, plans, operating_systems }
    }
}

fn stock_facility(code: &str, name: &str, metro: Option<&str>) -> Facility {
    let mut facility = Facility::new(code, name, metro);
    if let Some((_, id)) = FACILITY_IDS.iter().find(|(known, _)| *known == code) {
        facility.id = Uuid::from_u128(*id);
    }
    facility
}

/// Plan number `n`: like a real one, it is not to be had everywhere.
fn stock_plan(n: usize, stock: &StockPlan, facilities: &[Facility], metros: &[Metro]) -> Plan {
    let drives: Vec<Value> = stock
        .drives
        .iter()
        .map(|(count, size, medium, category)| json!({"count": count, "size": size, "type": medium, "category": category}))
        .collect();
    let mut plan = Plan::new(stock.slug);
    plan.kind = stock.kind.into();
    plan.categories = vec!["compute".into(), stock.generation.into()];
    plan.hourly = stock.hourly;
    plan.available_in = facilities.iter().skip(n % 4).step_by(4).map(|facility| facility.code.clone()).collect();
    plan.available_in_metros = metros.iter().skip(n % 4).step_by(4).map(|metro| metro.code.clone()).collect();
    let (count, processor) = stock.processor;
    let (nics, speed) = stock.network;
    plan.attributes.insert(
        "description".into(),
        json!(format!("{} with {count} x {processor} and {} of memory", stock.slug, stock.memory)),
    );
    plan.attributes.insert("legacy".into(), json!(stock.generation == "legacy_gen"));
    plan.attributes.insert(
        "specs".into(),
        json!({
            "cpus": [{"count": count, "type": processor}],
            "memory": {"total": stock.memory},
            "drives": drives,
            "nics": [{"count": nics, "type": speed}],
            "features": {"raid": false, "txt": true, "uefi": stock.generation == "current_gen"},
        }),
    );
    plan
}

#[cfg(test)]
mod tests {
    use super::Catalogue;
    use std::collections::HashSet;

    #[test]
    fn every_facility_is_in_a_known_metro_but_the_one_that_predates_them() {
        let stock = Catalogue::stock();
        let without: Vec<_> = stock
            .facilities
            .iter()
            .filter(|facility| facility.metro.is_none())
            .map(|facility| facility.code.as_str())
            .collect();
        assert_eq!(without, ["sjc1"]);
        for metro in stock.facilities.iter().filter_map(|facility| facility.metro.as_deref()) {
            assert!(stock.metro(metro).is_some(), "{metro}");
        }
    }

    #[test]
    fn no_two_things_of_the_stock_share_an_id() {
        let stock = Catalogue::stock();
        let ids: Vec<_> = (stock.facilities.iter().map(|facility| facility.id))
            .chain(stock.metros.iter().map(|metro| metro.id))
            .chain(stock.plans.iter().map(|plan| plan.id))
            .collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
