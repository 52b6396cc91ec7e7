//! A simulated GitLab: a small group that lives, served over HTTP on a loopback port.
