//! Connections of the HTTP client on which a response can be read although the server stopped reading the request.
//!
//! A server refuses a request by its headers, for a wrong token for instance, responds, and closes the connection. If the
//! client is still sending the body then, its write fails, and the response with the reason would be lost.

use std::io::ErrorKind;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Makes each connection of the connectors before it an [`EarlyResponseTransport`].
#[derive(Debug)]
pub(super) struct EarlyResponseConnector;

/// A connection that ignores that the rest of a request cannot be sent, as long as there may be a response to read.
#[derive(Debug)]
pub(super) struct EarlyResponseTransport<T> {
    inner: T,
    /// Why the rest of the request could not be sent.
    failure: Option<ErrorKind>,
}

impl<T: Transport> Connector<T> for EarlyResponseConnector {
    type Out = EarlyResponseTransport<T>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<T>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| EarlyResponseTransport { inner, failure: None }))
    }
}

impl<T: Transport> Transport for EarlyResponseTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.failure.is_some() {
            return Ok(());
        }
        match self.inner.transmit_output(amount, timeout) {
            Err(Error::Io(failure))
                if matches!(failure.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
            {
                self.failure = Some(failure.kind());
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        match (self.inner.await_input(timeout), self.failure) {
            (Ok(true), _) => Ok(true),
            // No response either: the failure to send is what went wrong.
            (_, Some(failure)) => Err(Error::Io(failure.into())),
            (other, None) => other,
        }
    }

    fn is_open(&mut self) -> bool {
        self.failure.is_none() && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
