//! What a command works on: a store of its own, or a running server.

use crate::cli::Result;
use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::directory::Directory;

/// A store that this process holds, or a server that another does.
pub(super) enum Target {
    Store(Directory),
    Server(Client),
}

impl Target {
    /// To read from: the store must be there.
    pub(super) fn existing(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open_existing(settings.data())?)),
        }
    }

    /// To write to: the store is made where there is none.
    pub(super) fn to_write(settings: &Settings) -> Result<Self> {
        match &settings.server {
            Some(server) => Ok(Self::Server(Client::new(server)?)),
            None => Ok(Self::Store(Directory::open(settings.data())?)),
        }
    }
}
