//! What the team believes about its files, checked: layers, heads of files, words, links, documents.
//! Not a check of behaviour, and nothing that rustc or clippy can see by themselves.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use klatsch::domain::{CloseCode, Code};

/// Each part of `src/` and what it may use besides itself: only what stands below it (ARCHITECTURE.md has the
/// picture). `config` and `telemetry` are leaves that everything may use but what is pure.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["app", "config", "telemetry"]),
    ("app", &["http", "actors", "storage", "log", "auth", "wire", "domain", "config", "telemetry"]),
    ("http", &["actors", "storage", "log", "auth", "wire", "domain", "config", "telemetry"]),
    ("actors", &["storage", "log", "auth", "wire", "domain", "config", "telemetry"]),
    ("log", &["storage", "wire", "domain", "config", "telemetry"]),
    ("storage", &["domain", "config", "telemetry"]),
    ("auth", &["storage", "domain", "config", "telemetry"]),
    ("wire", &["domain"]),
    ("domain", &[]),
    ("config", &[]),
    ("telemetry", &[]),
];

/// Crates that only one place may know, so that replacing one means changing that place.
const KEPT_BEHIND: &[(&str, &str)] = &[
    ("actix_web_actors", "src/http/websocket.rs"),
    ("diesel", "src/storage/"),
    ("rdkafka", "src/log/kafka/"),
    ("argon2", "src/auth/"),
    ("jsonwebtoken", "src/auth/"),
];

/// Crates and modules that a part must not know, as it could be used without them.
const UNKNOWN_TO: &[(&str, &[&str])] = &[
    ("domain", &["actix", "actix_web", "tokio", "futures_util", "getrandom", "fs", "net", "thread"]),
    ("wire", &["actix", "actix_web", "tokio", "futures_util", "getrandom", "fs", "net", "thread"]),
    ("log", &["actix", "actix_web"]),
    ("storage", &["actix", "actix_web"]),
    ("auth", &["actix", "actix_web"]),
    ("actors", &["actix_web", "actix_http"]),
    ("config", &["actix", "actix_web"]),
    ("telemetry", &["actix", "actix_web"]),
];

/// Where nothing reads a clock: time is an argument there.
const TIMELESS: &[&str] = &["domain", "wire", "log", "storage", "auth", "config"];

/// Ways to read a clock.
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "now_utc", "now_local"];

/// Words that no file may hold, and why. They are written in two halves, for this file is checked too.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/ro", "ot/"), "name no folder of one machine; use a path relative to the project"),
    (concat!("/wo", "rk/"), "name no folder of one machine; use a path relative to the project"),
    (concat!("/ho", "me/"), "name no folder of one machine; use a path relative to the project"),
    (concat!("TO", "DO"), "do it, or open an issue; the code says what is"),
    (concat!("FIX", "ME"), "mend it, or open an issue; the code says what is"),
];

/// Documents that the project keeps.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs/PROTOCOL.md",
    "docs/OPERATIONS.md",
];

/// Names, mostly of folders, that hold nothing that somebody wrote for the project.
const SKIPPED: &[&str] = &[".git", ".tools", "target", "node_modules", "dist", "data", "test-results"];

#[test]
fn a_file_uses_only_what_stands_below_it() {
    let mut faults = Faults::default();
    for file in rust_files("src") {
        let Some(layer) = file.layer() else { continue };
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            faults.add(&file, 1, &format!("`{layer}` has no place in LAYERS of tests/tidy.rs: give it one"));
            continue;
        };
        for (line, used) in file.parts_used() {
            if used != layer
                && LAYERS.iter().any(|(name, _)| *name == used)
                && !below.contains(&used.as_str())
            {
                let advice = format!(
                    "`{layer}` must not know `{used}`: move the code, or hand in what it needs as an argument or a trait"
                );
                faults.add(&file, line, &advice);
            }
        }
        for line in file.escapes() {
            faults.add(
                &file,
                line,
                "`super` leaves the folder here: write `crate::`, so that the layer shows",
            );
        }
    }
    faults.report();
}

#[test]
fn the_check_of_layers_sees_paths_however_they_are_written() {
    let text = "use crate::{\n    domain::{Code, Seq},\n    storage,\n};\n// crate::http\nfn a() -> crate::wire::B {}\n";
    let file = File { name: "src/actors/room.rs".to_owned(), text: text.to_owned() };
    let used: Vec<_> = file.parts_used();
    let expected = [(2, "domain"), (3, "storage"), (6, "wire")].map(|(line, part)| (line, part.to_owned()));
    assert_eq!(used, expected);
}

#[test]
fn a_crate_that_is_kept_behind_one_place_is_used_only_there() {
    let mut faults = Faults::default();
    for file in rust_files("src") {
        for (name, home) in KEPT_BEHIND.iter().filter(|(_, home)| !file.name.starts_with(home)) {
            for (line, code) in file.code() {
                if words(code).any(|word| word == *name) {
                    faults.add(
                        &file,
                        line,
                        &format!("only {home} may use `{name}`: add what is missing there"),
                    );
                }
            }
        }
    }
    faults.report();
}

#[test]
fn a_part_does_not_know_what_it_can_do_without() {
    let mut faults = Faults::default();
    for file in rust_files("src") {
        let unknown = UNKNOWN_TO.iter().filter(|(part, _)| file.layer().as_deref() == Some(part));
        for name in unknown.flat_map(|(_, names)| *names) {
            for (line, code) in file.code_before_tests() {
                let (module, used) = (format!("{name}::"), format!("use {name};"));
                let starts = |path: &str| {
                    code.match_indices(path)
                        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
                };
                if starts(&module) || starts(&used) {
                    faults.add(
                        &file,
                        line,
                        &format!("`{name}` has no place here: hand in what is needed of it"),
                    );
                }
            }
        }
    }
    faults.report();
}

#[test]
fn nothing_below_the_actors_reads_a_clock() {
    let mut faults = Faults::default();
    for file in rust_files("src") {
        if !file.layer().is_some_and(|layer| TIMELESS.contains(&layer.as_str())) {
            continue;
        }
        for (line, code) in file.code_before_tests() {
            if CLOCKS.iter().any(|clock| code.contains(clock)) {
                faults.add(&file, line, "time is an argument here: take `now` from the caller");
            }
        }
    }
    faults.report();
}

#[test]
fn a_file_says_in_two_lines_what_it_is_and_what_it_is_not() {
    let mut faults = Faults::default();
    for file in ["src", "tests", "benches", "examples"].into_iter().flat_map(rust_files) {
        let head =
            file.text.lines().take(2).filter(|line| line.starts_with("//! ") && line.len() > 20).count();
        if head < 2 {
            faults.add(&file, 1, "start with two lines `//! …`: what it is; what it deliberately is not");
        }
    }
    faults.report();
}

#[test]
fn no_file_holds_a_forbidden_word() {
    let mut faults = Faults::default();
    for file in files(Path::new("")) {
        for (number, line) in file.text.lines().enumerate() {
            for (_, advice) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
                faults.add(&file, number + 1, advice);
            }
        }
    }
    faults.report();
}

#[test]
fn the_documents_that_the_project_keeps_are_there() {
    let missing: Vec<_> = DOCUMENTS.iter().filter(|name| !root().join(name).is_file()).collect();
    assert!(missing.is_empty(), "write {missing:?}: CONTRIBUTING.md says what each document is for");
}

#[test]
fn every_document_can_be_reached_and_no_link_is_dead() {
    let mut faults = Faults::default();
    let mut linked = Vec::new();
    for file in files(Path::new("")).into_iter().filter(|file| file.name.ends_with(".md")) {
        let folder = Path::new(&file.name).parent().unwrap_or(Path::new("")).to_owned();
        for (line, link) in links(&file.text) {
            let target = normal(&folder.join(&link));
            if !root().join(&target).exists() {
                faults.add(&file, line, &format!("the link to {link} is dead: mend it"));
            }
            linked.push(target);
        }
    }
    let docs = Path::new("docs");
    for document in files(docs) {
        // A link to a folder, such as that of decisions, leads to all of it.
        let reached = |target: &PathBuf| target != docs && Path::new(&document.name).starts_with(target);
        if !linked.iter().any(reached) {
            faults.add(
                &document,
                1,
                "no document links to this one: link it from README.md or ARCHITECTURE.md",
            );
        }
    }
    faults.report();
}

#[test]
fn every_promise_is_named_by_a_test_that_holds_it() {
    let readme = read("README.md");
    let mut rows = readme.lines().filter_map(|line| line.strip_prefix("| **D")).peekable();
    assert!(rows.peek().is_some(), "README.md lost its table of promises, whose rows start with `| **D`");
    let sources: Vec<File> = ["src", "tests"].into_iter().flat_map(rust_files).collect();
    for row in rows.filter(|row| !row.contains("to come")) {
        let number: String = row.chars().take_while(char::is_ascii_digit).collect();
        let promise = format!("D{number}");
        let held = sources.iter().any(|file| {
            file.name != "tests/tidy.rs"
                && file.text.contains("#[test]") | file.text.contains("::test]")
                && words(&file.text).any(|word| word == promise)
        });
        assert!(held, "no test names {promise}: write it into the comment of the one that holds it");
    }
}

#[test]
fn every_metric_is_explained() {
    let (sources, manual) = (rust_files("src/telemetry"), read("docs/OPERATIONS.md"));
    for name in sources.iter().flat_map(|file| words(&file.text)).filter(|word| word.starts_with("klatsch_"))
    {
        assert!(
            manual.contains(name),
            "docs/OPERATIONS.md does not explain {name}: add it to its list of metrics"
        );
    }
}

#[test]
fn server_documents_and_web_client_share_one_table_of_codes() {
    let (client, manual) = (read("web/src/client/codes.ts"), read("docs/PROTOCOL.md"));
    let check = |text: &str, row: String, file| assert!(text.contains(&row), "{file} lacks the row `{row}`");
    for code in Code::ALL {
        let (name, number, retry) = (code.name(), code.number(), code.retry().name());
        let row = format!(r#"{name}: {{ number: {number}, retry: "{retry}", text: "{}" }}"#, code.sentence());
        check(&client, row, "web/src/client/codes.ts");
        check(&manual, format!("| `{name}` | {number} |"), "docs/PROTOCOL.md");
    }
    for code in CloseCode::ALL {
        let (name, number) = (code.name(), code.number());
        let row = format!(r#"{number}: {{ name: "{name}", text: "{}" }}"#, code.sentence());
        check(&client, row, "web/src/client/codes.ts");
        if *code != CloseCode::Normal {
            check(&manual, format!("| {number} | `{name}` |"), "docs/PROTOCOL.md");
        }
    }
}

/// What is wrong, with where and what to do; all of it is reported at once.
#[derive(Default)]
struct Faults(String);

impl Faults {
    fn add(&mut self, file: &File, line: usize, advice: &str) {
        writeln!(self.0, "{}:{line}: {advice}", file.name).expect("a string takes every write");
    }

    fn report(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// A text file of the project; `name` is its path from the project's root.
struct File {
    name: String,
    text: String,
}

impl File {
    /// The part of `src/` that it belongs to; `lib.rs` only lists the parts.
    fn layer(&self) -> Option<String> {
        let inside = self.name.strip_prefix("src/")?;
        let part = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
        (part != "lib").then(|| part.to_owned())
    }

    /// How many modules it stands below the crate's root.
    fn depth(&self) -> usize {
        let inside = self.name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        inside.split('/').count()
    }

    /// Its lines with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let uncommented = |line: &'_ str| !line.trim_start().starts_with("//");
        (1..).zip(self.text.lines()).filter(move |(_, line)| uncommented(line))
    }

    /// The lines of code that stand before its tests.
    fn code_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }

    /// The parts of the crate that its paths name, with their lines: `crate::a::b` and `crate::{a::b, c}`.
    fn parts_used(&self) -> Vec<(usize, String)> {
        // The binary sees the crate by its name.
        let root = if self.name == "src/main.rs" { "klatsch::" } else { "crate::" };
        let mut used = Vec::new();
        let mut open_braces = 0;
        for (number, line) in self.code() {
            let mut rest = line;
            if open_braces > 0 {
                used.extend(grouped(rest, &mut open_braces).into_iter().map(|part| (number, part)));
            }
            while let Some((_, path)) = rest.split_once(root) {
                if let Some(group) = path.strip_prefix('{') {
                    open_braces = 1;
                    used.extend(grouped(group, &mut open_braces).into_iter().map(|part| (number, part)));
                } else {
                    used.extend(words(path).next().map(|part| (number, part.to_owned())));
                }
                rest = path;
            }
        }
        used
    }

    /// Lines, before its tests, where a chain of `super` reaches the crate's root.
    fn escapes(&self) -> Vec<usize> {
        let chain = "super::".repeat(self.depth());
        self.code_before_tests().filter(|(_, line)| line.contains(&chain)).map(|(number, _)| number).collect()
    }
}

/// The first names of a group's paths: `a` and `c` in `a::{b, d}, c}`.
fn grouped(text: &str, open_braces: &mut usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut expecting = true;
    for (at, c) in text.char_indices() {
        match c {
            '{' => *open_braces += 1,
            '}' => *open_braces -= 1,
            ',' if *open_braces == 1 => expecting = true,
            c if c.is_alphabetic() && expecting && *open_braces == 1 => {
                names.extend(words(&text[at..]).next().map(str::to_owned));
                expecting = false;
            }
            _ => {}
        }
        if *open_braces == 0 {
            break;
        }
    }
    names
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Relative targets of Markdown links and images, with their lines and without anchors.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let markdown = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let html = line.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for link in markdown.chain(html) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !path.starts_with('/') {
                found.push((number, path.to_owned()));
            }
        }
    }
    found
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part.as_os_str().to_str() {
            Some("..") => drop(result.pop()),
            Some(".") => {}
            _ => result.push(part),
        }
    }
    result
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name} cannot be read: {error}"))
}

fn rust_files(folder: &str) -> Vec<File> {
    files(Path::new(folder)).into_iter().filter(|file| file.name.ends_with(".rs")).collect()
}

/// All files below a folder of the project that hold text. A folder that is not there has none.
fn files(folder: &Path) -> Vec<File> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return found };
    for entry in entries.map(|entry| entry.expect("a folder of the project can be listed")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = folder.join(&name);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path));
        } else {
            // What is no text, such as a picture, is none of this file's business.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(File { name: path.to_string_lossy().into_owned(), text });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
