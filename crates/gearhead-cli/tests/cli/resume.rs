//! A training that is killed at any instant goes on to the same weights.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::Value;

use crate::workspace::{Workspace, tiny_training};

/// Kills at random instants, over as many trainings as it takes.
const KILLS: usize = 50;

/// A training of many small steps, each in two parts, with an evaluation in the middle of each epoch.
const TRAIN: [&str; 13] = [
    "train",
    "--config",
    "tiny.toml",
    "--set",
    "train.epochs=12",
    "--set",
    "train.batch_size=2",
    "--set",
    "train.accumulation=2",
    "--set",
    "train.eval_every_steps=7",
    "--set",
    "train.checkpoint_every_steps=3",
];

/// Begins or goes on, as a person who always types the same would.
fn start(workspace: &Workspace) -> Child {
    let checkpoints = std::fs::read_dir(workspace.path("out/checkpoints"));
    let any = checkpoints.is_ok_and(|mut entries| {
        entries.any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("step-"))
    });
    Command::new(env!("CARGO_BIN_EXE_gearhead"))
        .args(TRAIN)
        .args(any.then_some("--resume"))
        .current_dir(workspace.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Losses, gradient norms and learning rates of each step, and what was evaluated.
fn course(workspace: &Workspace) -> Vec<Value> {
    let lines = workspace.read("out/metrics.jsonl");
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| ["step", "evaluation"].contains(&line["event"].as_str().unwrap()))
        .map(|mut line| {
            for of_the_machine in ["seconds", "step_seconds", "resident_bytes"] {
                line.as_object_mut().unwrap().remove(of_the_machine);
            }
            line
        })
        .collect()
}

fn bytes(workspace: &Workspace, name: &str) -> Vec<u8> {
    std::fs::read(workspace.path("out").join(name)).unwrap()
}

#[test]
fn a_training_that_is_killed_fifty_times_gives_the_same_losses_and_weights() {
    let whole = tiny_training();
    let outcome = whole.run(&TRAIN);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let expected = course(&whole);
    let (mut kills, mut longest, mut random) = (0, 0.0, 5_u64);
    while kills < KILLS {
        let killed = tiny_training();
        let kills_before = kills;
        loop {
            let mut child = start(&killed);
            // At most, what a start and some steps take; the more often nothing was reached, the longer.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let delay = (random >> 11) as f64 / (1_u64 << 53) as f64 * (0.25 + longest);
            sleep(Duration::from_secs_f64(delay));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            match output.status.code() {
                // Killed.
                None => kills += 1,
                Some(0) => break,
                Some(code) => panic!("exit code {code}: {}", String::from_utf8_lossy(&output.stderr)),
            }
            // When all kills are done, the training may end.
            longest = if kills < KILLS { longest + 0.005 } else { 60.0 };
        }
        for (line, expected) in course(&killed).iter().zip(&expected) {
            assert_eq!(line, expected, "after {} kills", kills - kills_before);
        }
        assert_eq!(course(&killed).len(), expected.len());
        for file in ["best/model.safetensors", "last/model.safetensors", "best/linear.gearhead"] {
            assert!(bytes(&killed, file) == bytes(&whole, file), "{file} differs");
        }
        assert_eq!(left_over(&killed.path("out")), Vec::<String>::new());
    }
}

/// What begins with a dot.
fn left_over(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_and_says_how_to_go_on() {
    let workspace = tiny_training();
    let child = start(&workspace);
    while !workspace.path("out/best").exists() {
        sleep(Duration::from_millis(5));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("which is saved; go on with the same command and --resume"), "{stderr}");
    let refused = workspace.run(&TRAIN);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("go on with --resume, or forget it with --start-over"),
        "{}",
        refused.stderr
    );
    let outcome = workspace.run(&[TRAIN.as_slice(), &["--resume"]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("going on after step "), "{}", outcome.stderr);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = tiny_training();
    std::fs::create_dir(workspace.path("out")).unwrap();
    std::fs::set_permissions(workspace.path("out"), PermissionsExt::from_mode(0o555)).unwrap();
    if std::fs::write(workspace.path("out/x"), "").is_ok() {
        // Who may write everywhere meets no such folder.
        return;
    }
    let outcome = workspace.run(&TRAIN);
    assert!(outcome.code != 0 && outcome.stderr.starts_with("error: out"), "{}", outcome.stderr);
}

/// A limit on the size of files stands for a disk that is full: the same writes fail.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_nothing_but_time() {
    let whole = tiny_training();
    assert_eq!(whole.run(&TRAIN).code, 0);
    let full = tiny_training();
    let train = |more: &str| {
        let script = format!("{more} exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_gearhead")]).args(TRAIN);
        command.current_dir(full.path("")).stdin(Stdio::null());
        command
    };
    // Metrics and the report fit, a model does not.
    let output = train("trap '' XFSZ; ulimit -f 16;").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.lines().last().unwrap().starts_with("error: out/"), "{stderr}");
    assert!(stderr.contains("File too large"), "{stderr}");
    assert_eq!(left_over(&full.path("out")), Vec::<String>::new());

    // A training that had come some way goes on where it was.
    let mut child = start(&full);
    while !full.path("out/best").exists() {
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let output = train("trap '' XFSZ; ulimit -f 16;").arg("--resume").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(full.path("out/best/model.safetensors").exists());
    let output = train("").arg("--resume").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(course(&full), course(&whole));
    assert!(bytes(&full, "best/model.safetensors") == bytes(&whole, "best/model.safetensors"));
}
