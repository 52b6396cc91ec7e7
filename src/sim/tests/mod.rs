//! Tests of the simulated GitLab, over HTTP where HTTP matters.

mod agreement;
mod complexity;
mod graphql;
mod graphql_agreement;
mod http;
mod keys;
mod rest;
mod rules;
mod slice;
mod world;
