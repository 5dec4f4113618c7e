//! `clade serve`: opens a store and serves it over HTTP (GraphQL and REST) until a signal stops it.
//!
//! Invariant: the settings are checked, and the address is known to be free, before a store is created; and the store is
//! closed after the last connection.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::expose::Expose;
use crate::cli::graphql::Graphql;
use crate::cli::settings::{LISTEN, Settings};
use crate::cli::stop_signal::stop_signal;
use crate::cli::store_summary::StorePath;
use crate::cli::telemetry::Telemetry;
use crate::cli::{Failure, Result, demo, print_line, token};
use crate::directory::Directory;
use crate::server::app::{AppState, Exposure, IdentityProvider, RESPONSE_CACHE_BYTES, serve_exposed};

const MIB: u64 = 1 << 20;
/// Shutdown timeout of blocking work, such as an integrity check, after all connections are closed.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address and port to listen on; port 0 picks a free one
    #[arg(long, env = "CLADE_LISTEN", value_name = "ADDRESS", default_value = LISTEN)]
    listen: String,
    /// Fill an empty store with a small sample organization; in memory unless the flag --data names a store
    #[arg(long)]
    demo: bool,
    /// Maximum size of the cache of GraphQL responses in MiB; 0 disables it. A write invalidates the cache
    #[arg(
        long,
        env = "CLADE_RESPONSE_CACHE_MB",
        value_name = "MIB",
        default_value_t = RESPONSE_CACHE_BYTES / MIB
    )]
    response_cache_mb: u64,
    #[command(flatten)]
    expose: Expose,
    #[command(flatten)]
    graphql: Graphql,
    #[command(flatten)]
    telemetry: Telemetry,
}

/// TLS, timeouts and origins of connections, and the authentication of requests.
struct ConnectionSettings {
    exposure: Exposure,
    /// Whether everyone has full access without a token.
    is_open: bool,
    identity_provider: Option<IdentityProvider>,
}

impl ServeArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            return Err(Failure::Usage("serve opens a store itself; remove --server".to_owned()));
        }
        // A guard: dropping it sends the last traces, so it is bound to the whole function.
        let _traces = self.telemetry.start()?;
        let exposure = self.expose.clone().exposure()?;
        let identity_provider = settings.jwt.identity_provider()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        // Bound twice. Now, to fail before a store is created that cannot be served; and again after the store is open,
        // because connections would otherwise wait unanswered in the backlog while a large store is loading.
        self.expose.is_open(runtime.block_on(listen(&self.listen))?.local_addr()?)?;
        let data = settings.data();
        let store = StorePath::of((!self.is_in_memory(settings)).then_some(&*data));
        let directory = self.directory(settings)?;
        print_line(store.summary(&directory))?;
        // Not before the store is open: opening does not watch for the signal, so the default action must end the
        // process at once.
        let stop = stop_signal()?;
        let served = runtime.block_on(async {
            let listener = listen(&self.listen).await?;
            // Once more for the address that is served: a host name may have several.
            let is_open = self.expose.is_open(listener.local_addr()?)?;
            let connections = ConnectionSettings { exposure, is_open, identity_provider };
            self.serve(directory.clone(), listener, connections, stop).await
        });
        close(runtime, directory);
        served
    }

    fn is_in_memory(&self, settings: &Settings) -> bool {
        // A variable or the settings file names the store of daily use. The sample must not be written to that one.
        self.demo && !settings.is_data_flagged
    }

    fn directory(&self, settings: &Settings) -> Result<Directory> {
        let directory = if self.is_in_memory(settings) {
            Directory::in_memory()?
        } else {
            Directory::open(settings.data())?
        };
        if self.demo && directory.view().revision().0 == 0 {
            directory.apply(demo::commands()?)?;
        }
        Ok(directory)
    }

    async fn serve(
        &self,
        directory: Directory,
        listener: TcpListener,
        connections: ConnectionSettings,
        stop: impl Future<Output = ()>,
    ) -> Result {
        let ConnectionSettings { exposure, is_open, identity_provider } = connections;
        // The bound address, not the wanted one: it has the port that the system picked for port 0.
        let address = listener.local_addr()?;
        let scheme = if exposure.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        if is_open {
            warn_of_open_server(&url);
            print_urls(&url)?;
        } else {
            print_urls_and_token(&url, first_token(&directory)?.as_deref(), self.demo)?;
        }
        tracing::info!(%address, revision = directory.view().revision().0, "serving");
        // Builds indexes that are made on first use, in the background: the first requests are served meanwhile, and
        // later ones do not pay for it. The view is dropped afterwards, so that it keeps no old revision alive.
        let view = directory.view();
        tokio::task::spawn_blocking(move || view.warm_up());
        let cache_bytes = self.response_cache_mb.saturating_mul(MIB);
        let mut graphql = self.graphql.settings();
        // CORS does not apply to WebSockets, so their handshake checks the same origins itself.
        graphql.origins = exposure.cors_origins.iter().map(|origin| origin.as_header().clone()).collect();
        let state = AppState::new(directory).with_response_cache(cache_bytes).with_graphql(graphql);
        let state = if is_open { state.without_authentication() } else { state };
        let state = match identity_provider {
            Some(identity_provider) => state.with_identity_provider(identity_provider),
            None => state,
        };
        // Registering any handler is enough: it replaces the default action of the signal, which ends the process.
        let _listened_to = signal(FILE_TOO_LARGE)?;
        serve_exposed(state, exposure, listener, stop).await;
        Ok(())
    }
}

/// Stops background work, then closes the store. Work that is abandoned belongs to requests whose clients are gone.
fn close(runtime: Runtime, directory: Directory) {
    tracing::info!("closing the store");
    let began = Instant::now();
    // `shutdown_timeout` and not a plain drop, which would wait without limit for `spawn_blocking` tasks.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    if began.elapsed() >= SHUTDOWN_TIMEOUT {
        tracing::warn!(
            waited_s = SHUTDOWN_TIMEOUT.as_secs(),
            "abandoned blocking work that did not end in time, such as an integrity check"
        );
    }
    // Last, because dropping the last clone waits until the writer has finished what it accepted. If abandoned work
    // still has a clone, the store is left as if the process had been killed; every commit that was acknowledged is on
    // disk nevertheless.
    drop(directory);
}

/// Warns about missing authentication, once: in the log, or if that has no warnings on the terminal.
fn warn_of_open_server(url: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        tracing::warn!(
            url,
            "--auth none: everyone who can connect has full access without a token, every user and program of this machine"
        );
    } else {
        eprintln!(
            "WARNING: --auth none: everyone who can connect to {url} has full access without a token.\n         \
             That is every user and every program on this machine."
        );
    }
}

fn print_urls(url: &str) -> Result {
    print_line(format!("Clade listens on {url}"))?;
    print_line(format!("Query page: {url}/graphql   REST: {url}/docs/"))
}

async fn listen(wanted: &str) -> Result<TcpListener> {
    TcpListener::bind(wanted).await.map_err(|why| {
        let message = |advice| format!("cannot listen on {wanted}: {why}; {advice}");
        match why.kind() {
            ErrorKind::AddrInUse => Failure::refused(message(
                "another process is using the address; stop it, or choose another address with --listen",
            )),
            ErrorKind::InvalidInput => Failure::Usage(message("the address must look like 127.0.0.1:7171")),
            _ => Failure::refused(message("choose another address with --listen")),
        }
    })
}

/// Creates an admin token if the store has no tokens yet, and returns its secret.
fn first_token(directory: &Directory) -> Result<Option<String>> {
    // Revoked tokens count, too: a restart must not create access that an administrator has taken away.
    if !directory.view().tokens().is_empty() {
        return Ok(None);
    }
    token::first(directory, "initial admin token").map(Some)
}

fn print_urls_and_token(url: &str, secret: Option<&str>, demo: bool) -> Result {
    print_line(format!("Clade listens on {url}"))?;
    match secret {
        Some(secret) => {
            // In a form that a shell takes, so that the secret is in no other command, nor in its history.
            print_line("Admin token (shown only once), for the commands in another terminal:")?;
            print_line(format!("  export CLADE_SERVER={url} CLADE_TOKEN={secret}"))?;
        }
        None => print_line(
            "Tokens: clade token create, list, rotate, revoke; for an admin token stop the server, then: clade token create --role admin",
        )?,
    }
    print_line(format!("Query page: {url}/graphql   REST: {url}/docs/"))?;
    if secret.is_some() && demo {
        let clade = program();
        print_line(format!(
            "\nThree things to try:\n\n\
             The hierarchy with its rolled-up totals:\n  \
             {clade} tree --depth 2\n\n\
             The values of filter drop-downs of a dashboard:\n  \
             curl -s \"$CLADE_SERVER/api/v2/data/filters?business=Bikes\" -H \"Authorization: Bearer $CLADE_TOKEN\"\n\n\
             The team that owns a repository, by the URL of its git remote:\n  \
             {clade} query '{{ repository(url: \"git@github.com:aurora/gearbox.git\") {{ project {{ projectName team {{ name }} owner {{ email }} }} }} }}'\n"
        ))?;
    }
    Ok(())
}

/// The command that starts this program: its quoted path, or `clade` if the shell found it in `PATH`.
fn program() -> String {
    let path = std::env::args().next().filter(|path| path.contains('/'));
    // A single quote inside single quotes is written `'\''` in every POSIX shell.
    path.map_or_else(|| "clade".to_owned(), |path| format!("'{}'", path.replace('\'', r"'\''")))
}

/// SIGXFSZ: sent when a file would exceed the limit of its size (`ulimit -f`).
// Its default action ends the process. With a handler the write fails with EFBIG instead, and is reported like a full
// disk. 25 is its number on Linux (x86-64, ARM) and macOS; tokio has no constant for it.
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);
