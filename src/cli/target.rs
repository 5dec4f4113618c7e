//! The target of a command: a store file that this process opens, or a running server.

use crate::cli::Result;
use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::directory::Directory;

/// A store that this process has opened, or a client of a running server.
// Two ways, because a store is locked by the process that has it open: a served store can only be used over HTTP.
pub(super) enum Target {
    Store(Directory),
    Server(Client),
}

impl Target {
    /// The target of a command that reads: fails if the store does not exist, instead of creating an empty one.
    pub(super) fn existing(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open_existing(settings.data())?)),
        }
    }

    /// The target of a command that writes: a store that does not exist is created.
    pub(super) fn to_write(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open(settings.data())?)),
        }
    }
}
