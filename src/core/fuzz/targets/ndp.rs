//! The properties of `ndp` on whatever the fuzzer makes up.
#![no_main]

#[path = "../../tests/corpus/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::ndp(bytes));
