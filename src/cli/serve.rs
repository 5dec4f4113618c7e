//! `clade serve`: a store over GraphQL and REST.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::expose::Expose;
use crate::cli::graphql::Graphql;
use crate::cli::settings::Settings;
use crate::cli::stop_signal::stop_signal;
use crate::cli::telemetry::Telemetry;
use crate::cli::{Failure, Result, demo, say, token};
use crate::directory::Directory;
use crate::server::app::{AppState, Exposure, serve_exposed};

/// How long what takes long, such as a check, may go on once the connections have ended.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:7171]; port 0 takes any that is free
    #[arg(long, env = "CLADE_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Begin with a small sample organisation, in memory unless the flag --data names a store
    #[arg(long)]
    demo: bool,
    /// Keep so many MiB of answers to GraphQL queries, to give them again while nothing changes; 0 keeps none
    /// [default: 64]
    #[arg(long, env = "CLADE_RESPONSE_CACHE_MB", value_name = "MIB")]
    response_cache_mb: Option<u64>,
    #[command(flatten)]
    expose: Expose,
    #[command(flatten)]
    graphql: Graphql,
    #[command(flatten)]
    telemetry: Telemetry,
}

impl ServeArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            return Err(Failure::Usage("serve opens a store of its own; leave --server out".to_owned()));
        }
        let _until_it_ends = settings.telemetry(self.telemetry.clone()).start()?;
        let expose = settings.expose(self.expose.clone());
        let exposure = expose.clone().exposure()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let wanted = settings.listen(self.listen.clone());
        // Tried before a store is made that nobody can reach, and taken once there is something to answer with.
        drop(runtime.block_on(listen(&wanted))?);
        let directory = self.directory(settings)?;
        // Not sooner: while the store is opened, one signal ends it.
        let stop = stop_signal()?;
        let served = runtime.block_on(async {
            let listener = listen(&wanted).await?;
            self.serve(directory.clone(), listener, &expose, exposure, settings, stop).await
        });
        end(runtime, directory);
        served
    }

    fn directory(&self, settings: &Settings) -> Result<Directory> {
        // A standing setting names the store of every day, which is no place for a sample.
        let in_memory = self.demo && !settings.is_data_flagged;
        let directory = if in_memory { Directory::in_memory()? } else { Directory::open(settings.data())? };
        if self.demo && directory.view().revision().0 == 0 {
            directory.apply(demo::commands()?)?;
        }
        Ok(directory)
    }

    async fn serve(
        &self,
        directory: Directory,
        listener: TcpListener,
        expose: &Expose,
        exposure: Exposure,
        settings: &Settings,
        stop: impl Future<Output = ()>,
    ) -> Result {
        let issuer = settings.jwt.issuer()?;
        let address = listener.local_addr()?;
        let is_open = expose.is_open(address)?;
        let scheme = if exposure.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        if is_open {
            warn_of_open_server(&url);
            greet_without_tokens(&url)?;
        } else {
            greet(&url, first_token(&directory)?.as_deref(), self.demo)?;
        }
        tracing::info!(%address, revision = directory.view().revision().0, "serving");
        let view = directory.view();
        tokio::task::spawn_blocking(move || view.warm_up());
        let answers_kept = settings.response_cache_bytes(self.response_cache_mb);
        let mut graphql = settings.graphql(&self.graphql);
        graphql.origins = exposure.cors_origins.iter().map(|origin| origin.as_header().clone()).collect();
        let state = AppState::new(directory).keeping_answers(answers_kept).with_graphql(graphql);
        let state = if is_open { state.without_tokens() } else { state };
        let state = match issuer {
            Some(issuer) => state.trusting(issuer),
            None => state,
        };
        let _listened_to = signal(FILE_TOO_LARGE)?;
        serve_exposed(state, exposure, listener, stop).await;
        Ok(())
    }
}

/// Ends what still goes on, then closes the store. What is given up was answered to nobody.
///
/// This clone of the directory is let go last, since the last to go waits for all that the writer has taken. Where work
/// that keeps a clone of its own goes on too long, such as a check, the store is left as if the process had been killed:
/// what was answered is on disk all the same.
fn end(runtime: Runtime, directory: Directory) {
    tracing::info!("closing the store");
    let began = Instant::now();
    runtime.shutdown_timeout(ENDED_WITHIN);
    if began.elapsed() >= ENDED_WITHIN {
        tracing::warn!(
            waited_s = ENDED_WITHIN.as_secs(),
            "something that takes long was given up, such as a check"
        );
    }
    drop(directory);
}

/// Said twice: to whoever starts it, and to whoever reads the log.
fn warn_of_open_server(url: &str) {
    eprintln!(
        "WARNING: --auth none: whoever reaches {url} may read and change everything, without a token.\n         \
         That is every user and every program on this machine."
    );
    tracing::warn!(url, "serving without tokens: whoever reaches this may read and change everything");
}

fn greet_without_tokens(url: &str) -> Result {
    say(format!("Clade listens on {url}"))?;
    say(format!("Query page: {url}/graphql   REST: {url}/docs/"))
}

async fn listen(wanted: &str) -> Result<TcpListener> {
    TcpListener::bind(wanted).await.map_err(|why| {
        let told = |how| format!("cannot listen on {wanted}: {why}; {how}");
        match why.kind() {
            ErrorKind::AddrInUse => Failure::refused(told(
                "another process listens there; stop it, or choose another with --listen",
            )),
            ErrorKind::InvalidInput => Failure::Usage(told("it must look like 127.0.0.1:7171")),
            _ => Failure::refused(told("choose another with --listen")),
        }
    })
}

/// An admin token, where the store has none yet.
fn first_token(directory: &Directory) -> Result<Option<String>> {
    if !directory.view().tokens().is_empty() {
        return Ok(None);
    }
    token::first(directory, "made by the first serve").map(Some)
}

fn greet(url: &str, secret: Option<&str>, demo: bool) -> Result {
    say(format!("Clade listens on {url}"))?;
    match secret {
        Some(secret) => {
            say(format!("Admin token, shown this once: {secret}"))?;
            say(format!("Query page: {url}/graphql   REST: {url}/docs/"))?;
        }
        None => say("Tokens: clade token create, list, revoke")?,
    }
    if let (Some(secret), true) = (secret, demo) {
        let clade = called();
        say(format!(
            "\nThree things to try:\n\n\
             Who is where, rolled up:\n  \
             CLADE_TOKEN={secret} {clade} tree --server {url} --depth 2\n\n\
             The drop-downs of a dashboard:\n  \
             curl -s '{url}/api/v2/data/filters?business=Bikes' -H 'Authorization: {secret}'\n\n\
             From a commit's remote to the team that owns it:\n  \
             curl -s {url}/graphql -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' \\\n    \
             -d '{{\"query\":\"{{ repository(url: \\\"git@github.com:aurora/gearbox.git\\\") {{ project {{ projectName team {{ name }} owner {{ email }} }} }} }}\"}}'\n"
        ))?;
    }
    Ok(())
}

/// How to call this program from where it was called: by its path, unless the shell finds it by itself.
fn called() -> String {
    let path = std::env::args().next().filter(|path| path.contains('/'));
    path.map_or_else(|| "clade".to_owned(), |path| format!("'{}'", path.replace('\'', r"'\''")))
}

/// SIGXFSZ, which ends a process whose file grows beyond what it may, unless someone listens: then the write is refused,
/// as on a full disk.
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);
