//! Models of the Hugging Face Hub. The Hub is a server of our own here; the client is the `hf-hub` crate.

use crate::workspace::Workspace;

#[test]
#[cfg(not(feature = "hub"))]
fn a_build_without_the_hub_names_the_feature() {
    let refused = Workspace::new().refused(&["import", "hf:organisation/tiny", "--out", "model"]);
    assert!(
        refused.contains("hf:organisation/tiny: this build") && refused.contains("--features hub"),
        "{refused}"
    );
}

#[cfg(feature = "hub")]
mod with_it {
    use std::{
        fs,
        io::{BufRead, BufReader, Write},
        net::{TcpListener, TcpStream},
        path::{Path, PathBuf},
        process::{Command, Output},
        thread,
    };

    use serde_json::{Value, json};

    use super::Workspace;
    use crate::workspace::tiny_model;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    /// Answers as the Hub does for one model, whose files stand in `folder`; returns the address.
    fn hub(folder: PathBuf) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap(), &folder)));
        address
    }

    fn answer(mut stream: TcpStream, folder: &Path) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let path = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned())).unwrap_or_default();
        let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let file = path
            .strip_prefix("/organisation/tiny/resolve/main/")
            .and_then(|name| fs::read(folder.join(name)).ok());
        let (status, headers, body) = if path == "/api/models/organisation/tiny/revision/main" {
            let names =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let files: Vec<Value> = names.map(|name| json!({ "rfilename": name })).collect();
            ("200 OK", String::new(), json!({ "siblings": files, "sha": COMMIT }).to_string().into_bytes())
        } else if let Some(content) = file {
            let range = headers
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
            let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
            let (first, end) =
                (first.parse().unwrap_or(0), last.parse().map_or(content.len(), |last: usize| last + 1));
            let end = end.min(content.len());
            let headers = format!(
                "Content-Range: bytes {first}-{}/{}\r\nETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\n",
                end - 1,
                content.len(),
                gearhead::data::manifest::hash(&content)
            );
            ("206 Partial Content", headers, content[first..end].to_vec())
        } else {
            ("404 Not Found", String::new(), Vec::new())
        };
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // A client may have gone.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }

    fn import(workspace: &Workspace, hub: &str, model: &str, out: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gearhead"))
            .args(["import", model, "--case-markers", "--out", out])
            .env("HF_ENDPOINT", hub)
            .env("HF_HOME", workspace.path("cache"))
            .current_dir(workspace.path(""))
            .output()
            .unwrap()
    }

    #[test]
    fn a_model_is_fetched_once_and_imported() {
        let workspace = Workspace::new();
        let files = workspace.path("files");
        fs::create_dir(&files).unwrap();
        for entry in fs::read_dir(Path::new(&tiny_model()).join("best")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, files.join(path.file_name().unwrap())).unwrap();
        }
        // Not of the model: it is not fetched.
        fs::write(files.join("training_args.bin"), "anything").unwrap();
        let address = hub(files.clone());
        let output = import(&workspace, &address, "hf:organisation/tiny", "model");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = " SPN 157 FMI 18: boost leak";
        let score =
            |model: &str| workspace.run(&["score", "--model", model, "--text", text, "--json"]).json();
        assert_eq!(score("model"), score(&tiny_model()));
        let snapshot = workspace.path(&format!("cache/hub/models--organisation--tiny/snapshots/{COMMIT}"));
        assert!(snapshot.join("model.safetensors").exists() && !snapshot.join("training_args.bin").exists());
        // Weights that are there are not fetched again.
        fs::remove_file(files.join("model.safetensors")).unwrap();
        fs::write(files.join("model.safetensors"), "").unwrap();
        assert!(import(&workspace, &address, "hf:organisation/tiny", "again").status.success());
    }

    #[test]
    fn what_the_hub_lacks_is_said() {
        let workspace = Workspace::new();
        let address = hub(workspace.path("."));
        for (model, reason) in [
            ("hf:organisation/other", "404"),
            ("hf:tiny", "organisation/name"),
            ("hf:../../etc/passwd", "organisation/name"),
        ] {
            let output = import(&workspace, &address, model, "model");
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{message}");
            assert!(
                message.starts_with(&format!("error: {model}: ")) && message.contains(reason),
                "{message}"
            );
            assert!(!workspace.path("model").exists());
        }
    }
}
