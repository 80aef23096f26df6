//! The simulator asked over real HTTP(S) by a foreign client, with literal requests and answers.
//!
//! Sources of the literals: MikroTik's REST manual, rows and refusals measured on 7.23.7, RouterOS schemas.

#[cfg(test)]
mod access;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod boot;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod checklist;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod liberties;
#[cfg(test)]
mod menus;
#[cfg(test)]
mod others;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod safe_mode;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod values;
#[cfg(test)]
mod violations;
#[cfg(test)]
mod writes;
