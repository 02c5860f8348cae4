//! `gearhead serve`: diagnoses over HTTP.

use tokio::net::TcpListener;

use super::informed_engine;
use crate::{args::ServeArgs, failure::Failure, output};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    if !args.addr.ip().is_loopback() {
        return Err(Failure::bad_input(
            "usage",
            format!(
                "--addr {}: only loopback addresses are served, since there are no API keys yet",
                args.addr
            ),
        ));
    }
    let engine = informed_engine(&args.engine)?.into_diagnose();
    if engine.manifest().is_none() {
        return Err(Failure::bad_input(
            "model",
            format!("{}: the model was not trained for diagnosis", engine.name()),
        ));
    }
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(args.addr)
            .await
            .map_err(|error| Failure::bad_input("usage", format!("--addr {}: {error}", args.addr)))?;
        output::note(format_args!("listening on http://{} (Ctrl-C stops)", listener.local_addr()?));
        gearhead_serve::serve(listener, engine, async {
            // Without a signal handler the process can only be killed, which needs no grace.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await?;
        Ok(())
    })
}
