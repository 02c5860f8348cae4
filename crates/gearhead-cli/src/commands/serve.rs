//! `gearhead serve`: diagnoses over HTTP.

use std::{fs, path::PathBuf, time::Duration};

use gearhead::infer::engine::model_directory;
use gearhead_serve::{ChatTemplate, Keys, Origins, Settings, Store};
use tokio::net::TcpListener;

use super::informed_engine;
use crate::{args::ServeArgs, failure::Failure, output};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let is_local = args.addr.ip().is_loopback();
    if !is_local && args.keys.is_none() && !args.without_keys {
        let message = format!(
            "--addr {}: anyone in the network could ask: give a file of API keys with --keys, or say --without-keys",
            args.addr
        );
        return Err(Failure::bad_input("usage", message));
    }
    // What is wrong with a file is told before a model is loaded.
    let mut settings = settings(args, is_local)?;
    let engine = informed_engine(&args.engine)?.into_diagnose();
    // Last, so that what fails leaves no file behind.
    settings.store = if args.no_store { None } else { Some(Store::open(store_path(args)?)?) };
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(args.addr)
            .await
            .map_err(|error| Failure::bad_input("usage", format!("--addr {}: {error}", args.addr)))?;
        output::note(format_args!("listening on http://{} (Ctrl-C stops)", listener.local_addr()?));
        gearhead_serve::serve(listener, engine, settings, stop()).await?;
        Ok(())
    })
}

fn settings(args: &ServeArgs, is_local: bool) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    settings.queue = args.queue as usize;
    settings.texts_at_once = args.texts_at_once as usize;
    settings.max_tokens = args.max_tokens as usize;
    settings.max_body_bytes = args.max_body_kib as usize * 1024;
    settings.max_upload_bytes = 32 * settings.max_body_bytes;
    settings.answer_time = Duration::from_secs(args.time_limit_s.into());
    settings.keys = args.keys.as_ref().map(Keys::read).transpose()?;
    settings.origins = Origins::new(&args.allow_origin, is_local && args.keys.is_none())?;
    settings.keeps_history = !args.no_history;
    settings.logs_text = args.log_text;
    if let Some(model) = &args.engine.model.model {
        settings.chat_template = ChatTemplate::of_directory(model_directory(model))?;
    }
    Ok(settings)
}

fn store_path(args: &ServeArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.store {
        return Ok(path.clone());
    }
    let refused = |why: String| {
        let message = format!("{why}: say with --store where feedback and history are kept, or --no-store");
        Failure::bad_input("usage", message)
    };
    let folder = dirs::data_dir().ok_or_else(|| refused("there is no folder for user data".to_owned()))?;
    let folder = folder.join("gearhead");
    fs::create_dir_all(&folder).map_err(|error| refused(format!("{}: {error}", folder.display())))?;
    Ok(folder.join("serve.db"))
}

/// Waits for Ctrl-C, or for the signal with which systems end a service.
async fn stop() {
    let interrupted = async {
        // Without a signal handler the process can only be killed, which needs no grace.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
