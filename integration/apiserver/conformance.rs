//! The same requests on any API server.
