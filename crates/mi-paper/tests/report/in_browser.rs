//! Opens the page in a real browser, in light and dark mode: there are no errors, every figure is
//! visible, nothing is wider than the screen, and no text is too pale to read.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mi_paper::report;

use crate::synthetic::Synthetic;

/// After this time, a browser that has not answered is considered stuck.
const PATIENCE: Duration = Duration::from_secs(90);

/// Collects errors. It is inserted before everything else in the page.
const WATCH: &str = "<script>window.problems = [];\
    addEventListener('error', e => problems.push(e.message));\
    console.error = console.warn = (...m) => problems.push(m.join(' '));</script>";

/// The contrast that text must have with its background: that of WCAG 2.1, level AA, for large
/// text, since muted labels are secondary.
const CONTRAST: f64 = 3.0;

/// Examines the page in frames of two widths and stores the findings in the document's title.
const CHECK: &str = r#"
function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(view, element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = view.getComputedStyle(at).backgroundColor;
    if (!/, 0\)$|transparent/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
}
function pale(view, element) {
  const style = view.getComputedStyle(element), svg = element instanceof view.SVGElement;
  const ink = luminance(svg ? style.fill : style.color), paper = luminance(behind(view, element));
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < CONTRAST;
}
function inspect(frame) {
  const page = frame.contentDocument, found = frame.contentWindow.problems.slice();
  const width = frame.clientWidth, plots = [...page.querySelectorAll("svg.plot")];
  const scroll = page.documentElement.scrollWidth;
  if (scroll > width) found.push(`${width}: the page is ${scroll} wide`);
  for (const plot of plots) {
    const name = plot.getAttribute("aria-label").slice(0, 60), box = plot.getBoundingClientRect();
    if (box.width < 200 || box.height < 60) found.push(`${width}: "${name}" is not visible`);
    if (box.left < 0 || box.right > width + 0.5) found.push(`${width}: "${name}" is cut off`);
    if (!plot.querySelector(".plot-point")) found.push(`${width}: "${name}" shows no point`);
    const view = plot.viewBox.baseVal;
    for (const text of plot.querySelectorAll("text")) {
      const b = text.getBBox();
      if (b.x < -1 || b.x + b.width > view.width + 1)
        found.push(`"${text.textContent}" leaves "${name}"`);
    }
  }
  for (const element of page.body.querySelectorAll("*:not(script):not(style)")) {
    const text = [...element.childNodes].filter(n => n.nodeType == 3).map(n => n.data).join("");
    if (text.trim() && element.getClientRects().length && pale(frame.contentWindow, element))
      found.push(`"${text.trim().slice(0, 40)}" is too pale`);
  }
  const plot = plots[0], point = plot.querySelector(".plot-point");
  point.scrollIntoView({ block: "center", behavior: "instant" });
  const box = point.getBoundingClientRect();
  plot.dispatchEvent(new frame.contentWindow.PointerEvent("pointermove", {
    clientX: (box.left + box.right) / 2, clientY: (box.top + box.bottom) / 2, bubbles: true }));
  const tip = page.getElementById("tip");
  if (tip.hidden || !tip.textContent.includes("at")) found.push(`${width}: no values on hover`);
  return { found, plots: plots.length };
}
addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")].map(inspect);
  const found = frames.flatMap(f => f.found);
  document.body.innerHTML = "";
  const scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.title = `${scheme}: plots ${frames.map(f => f.plots).join(" ")}; problems ${found.length}: ` +
    found.slice(0, 12).join(" | ");
});
"#;

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = installed() else {
        eprintln!("skipped: chromium is not installed");
        return;
    };
    let page = report::html(&Synthetic::agreeing(2).outcome());
    let plots = page.matches("<svg class=\"plot\"").count();
    assert!(plots > 50, "{plots} drawings");
    let page = page.replacen("<head>", &format!("<head>{WATCH}"), 1);
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = |width| {
        format!(
            "<iframe style=\"width:{width}px;height:900px;border:0\" srcdoc=\"{source}\"></iframe>"
        )
    };
    let html = format!(
        "<!doctype html><meta charset=\"utf-8\"><body>{}{}<script>const CONTRAST = {CONTRAST};{CHECK}</script></body>",
        frame(390),
        frame(1280)
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frames.html");
    fs::write(&file, html).unwrap();
    // The numbers are those of the browser's colour schemes.
    for (scheme, number) in [("dark", 0), ("light", 1)] {
        let (document, messages) = run(&browser, folder.path(), &file, number);
        let title = document
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map(|(title, _)| title);
        let Some(title) = title else { panic!("no answer; the browser said: {messages}") };
        assert_eq!(title.trim_end(), format!("{scheme}: plots {plots} {plots}; problems 0:"));
        let console: Vec<&str> = messages.lines().filter(|l| l.contains("CONSOLE")).collect();
        assert!(console.is_empty(), "{console:?}");
    }
}

/// The first known browser on the search path.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    let candidates =
        names.iter().flat_map(|name| std::env::split_paths(&path).map(move |p| p.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// Opens a file in a colour scheme. Returns the document after loading, and the browser's messages.
fn run(browser: &Path, folder: &Path, file: &Path, scheme: u8) -> (String, String) {
    let mut child = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--window-size=1700,2000",
            "--dump-dom",
        ])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the browser starts");
    let document = reader(child.stdout.take());
    let messages = reader(child.stderr.take());
    let finished = wait(&mut child);
    let read = |handle: thread::JoinHandle<String>| handle.join().expect("reading succeeds");
    let (document, messages) = (read(document), read(messages));
    assert!(finished, "the browser was still busy after {PATIENCE:?}: {messages}");
    (document, messages)
}

/// Reads a pipe to its end on a separate thread, so that the browser never waits for a reader.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.expect("the pipe was asked for").read_to_end(&mut bytes).expect("the pipe is open");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the browser, and kills it if it takes too long. Returns whether it ended by itself.
fn wait(child: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if child.try_wait().expect("the browser can be asked").is_some() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("the browser can be ended");
    let _ = child.wait();
    false
}
