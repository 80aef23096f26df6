//! Every decision tiklb makes, without I/O.
