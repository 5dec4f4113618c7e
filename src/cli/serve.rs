//! `clade serve`: a store over GraphQL and REST.

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::expose::Expose;
use crate::cli::graphql::Graphql;
use crate::cli::settings::Settings;
use crate::cli::telemetry::Telemetry;
use crate::cli::{Failure, Result, demo, say, token};
use crate::directory::Directory;
use crate::server::{AppState, Exposure, serve_exposed};

#[derive(Debug, Args)]
pub(super) struct Serve {
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

impl Serve {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            return Err(Failure::Usage("serve opens a store of its own; leave --server out".to_owned()));
        }
        let _until_it_ends = self.telemetry.start(settings)?;
        let expose = settings.expose(self.expose.clone());
        let exposure = expose.clone().exposure()?;
        let directory = self.directory(settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve(directory, &expose, exposure, settings))
    }

    fn directory(&self, settings: &Settings) -> Result<Directory> {
        // A standing setting names the store of every day, which is no place for a sample.
        let in_memory = self.demo && !settings.is_data_flagged;
        let directory = if in_memory { Directory::in_memory()? } else { Directory::open(settings.data())? };
        if self.demo && directory.view().revision().0 == 0 {
            directory.apply_all(demo::commands()?)?;
        }
        Ok(directory)
    }

    async fn serve(
        &self,
        directory: Directory,
        expose: &Expose,
        exposure: Exposure,
        settings: &Settings,
    ) -> Result {
        let wanted = settings.listen(self.listen.clone());
        let issuer = settings.jwt.issuer()?;
        let listener = TcpListener::bind(&wanted).await.map_err(|why| cannot_listen(&wanted, &why))?;
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
        tracing::info!(%address, revision = %directory.view().revision(), "serving");
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
        serve_exposed(state, exposure, listener, stop_signal()?).await;
        Ok(())
    }
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

fn cannot_listen(wanted: &str, why: &std::io::Error) -> Failure {
    let how = match why.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process listens there; stop it, or choose another with --listen"
        }
        std::io::ErrorKind::InvalidInput => "it must look like 127.0.0.1:7171",
        _ => "choose another with --listen",
    };
    Failure::refused(format!("cannot listen on {wanted}: {why}; {how}"))
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

/// Completes on SIGTERM or SIGINT. A second signal ends the process at once.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: open requests are finished first");
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("stopped at once");
            std::process::exit(1);
        });
    })
}
