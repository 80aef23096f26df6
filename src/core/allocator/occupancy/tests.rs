//! What several routers say of one address.

use super::*;
use crate::ipam::Holder;

#[test]
fn one_router_is_enough_to_keep_an_address_from_a_service() {
    let holder = || Holder {
        name: None,
        mac: None,
        evidence: "a test".to_owned(),
    };
    let by_weight = [
        Availability::Free,
        Availability::OnRequest(holder()),
        Availability::Reserved(holder()),
        Availability::Unproven("not read".to_owned()),
        Availability::Held(holder()),
    ];
    for (lighter, light) in by_weight.iter().enumerate() {
        for heavy in &by_weight[lighter..] {
            assert_eq!(graver(light.clone(), heavy.clone()), *heavy);
            assert_eq!(graver(heavy.clone(), light.clone()), *heavy);
        }
    }
}
