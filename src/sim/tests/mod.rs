//! Tests of the simulated GitLab, over HTTP where HTTP matters.

mod http;
