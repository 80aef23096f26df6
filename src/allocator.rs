//! The allocator's tasks: what core's allocator wishes for, done, and what came of it, told to core.
//!
//! | module | does |
//! |---|---|
//! | [`router`] | speaks to the routers |

pub mod router;
