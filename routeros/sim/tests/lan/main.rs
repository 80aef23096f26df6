//! The simulator on a real LAN: a bridge and hosts in network namespaces that each test makes for itself.
//!
//! Needs root, or a user namespace of its own, which is entered before any thread starts. Where neither can be had, the
//! tests fail if `CI=true`, and are otherwise listed as ignored with the reason. So are those with Debian's DHCP client
//! where it is not installed.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod dhclient;
#[cfg(test)]
mod dhcp_client;
#[cfg(test)]
mod host;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod neighbors;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod segment;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test: its name, and what runs in a network namespace of its own.
type Story = (&'static str, fn());

const STORIES: &[Story] = &[
    (
        "item_24_a_client_is_probed_for_offered_bound_renewed_and_released",
        leases::whole_life,
    ),
    (
        "item_24_an_address_that_a_device_answers_for_is_in_conflict",
        leases::conflict,
    ),
    ("item_24_a_lease_that_is_not_renewed_expires", leases::expiry),
    ("item_23_a_renewal_outside_the_shrunk_pool", leases::shrunk_pool),
    ("malformed_datagrams_do_no_harm", leases::malformed),
    (
        "item_28_a_row_is_made_by_a_host_that_talks_to_the_router_and_follows_its_mac",
        neighbors::follows,
    ),
    (
        "item_28_a_living_neighbour_answers_the_probe_and_a_dead_one_fails",
        neighbors::probed,
    ),
    (
        "item_28_a_permanent_row_ignores_every_frame_of_the_wire",
        neighbors::pinned,
    ),
    (
        "the_bridges_mac_is_followed_when_its_ports_change",
        neighbors::bridge_mac,
    ),
    (
        "item_36_the_router_is_reached_by_its_lan_address_over_https",
        addresses::https,
    ),
    ("a_router_that_stops_frees_its_ports", addresses::restart),
    ("an_interface_that_is_not_there_is_named", addresses::no_interface),
];

/// Those with Debian's DHCP client.
const DHCLIENT_STORIES: &[Story] = &[
    (
        "dhclient_item_24_is_bound_renews_by_itself_and_releases",
        dhclient::whole_life,
    ),
    (
        "dhclient_item_23_a_renewal_outside_the_pool_is_acknowledged",
        dhclient::acknowledged,
    ),
    (
        "dhclient_item_23_a_renewal_outside_the_pool_is_refused",
        dhclient::refused,
    ),
    (
        "dhclient_item_23_a_renewal_outside_the_pool_is_not_answered",
        dhclient::unanswered,
    ),
    (
        "dhclient_item_26_an_address_that_it_held_and_that_is_reserved_is_not_given_to_it",
        dhclient::reserved,
    ),
    (
        "dhclient_leases_from_the_program_alone_on_an_interface",
        dhclient::alone,
    ),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let obstacle = sandbox::enter().err();
    let must_run = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let without_client = obstacle.clone().or_else(|| dhclient::program().err());
    let plain = STORIES.iter().map(|story| (story, &obstacle));
    let with_client = DHCLIENT_STORIES.iter().map(|story| (story, &without_client));
    let trials = plain
        .chain(with_client)
        .map(|((name, story), obstacle)| match obstacle {
            None => Trial::test(*name, move || sandbox::run(*story)),
            Some(reason) => {
                let reason = reason.clone();
                Trial::ignorable_test(*name, move || {
                    if must_run {
                        Err(Failed::from(reason))
                    } else {
                        Ok(Completion::ignored_with(reason))
                    }
                })
            }
        });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
