//! Every command explains itself.

use crate::workspace::Workspace;

/// The names under `Commands:` in a help text.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // Descriptions that go on in the next line are indented further.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let workspace = Workspace::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut leaves = Vec::new();
    while let Some(command) = open.pop() {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = workspace.run(&args).text();
        let names = subcommands(&help);
        if names.is_empty() {
            let command = command.join(" ");
            assert!(help.contains(&format!("Example:\n  gearhead {command} ")), "{command}:\n{help}");
            leaves.push(command);
        }
        open.extend(names.into_iter().map(|name| [command.as_slice(), &[name]].concat()));
    }
    leaves.sort();
    let expected = [
        "bench",
        "codes",
        "data check",
        "data generate",
        "data import",
        "data split",
        "data stats",
        "devices",
        "diagnose",
        "doctor",
        "eval",
        "export",
        "generate",
        "import",
        "knowledge check",
        "knowledge list",
        "knowledge show",
        "plan",
        "score",
        "serve",
        "tokenizer train",
        "train",
    ];
    for command in expected {
        assert!(leaves.iter().any(|leaf| leaf == command), "{command} is not among {leaves:?}");
    }
}

#[test]
fn the_command_alone_shows_its_help() {
    let outcome = Workspace::new().run(&[]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("Usage: gearhead"), "{}", outcome.stderr);
}
