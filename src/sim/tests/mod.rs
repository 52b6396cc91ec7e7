//! Tests of the simulated GitLab, over HTTP where HTTP matters.

mod agreement;
mod http;
mod keys;
mod rest;
mod rules;
mod world;
