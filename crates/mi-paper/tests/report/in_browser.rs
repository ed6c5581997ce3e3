//! Opens the page in a real browser, in light and dark mode: there are no errors, every figure is
//! visible, nothing is wider than the screen, and no text is too pale to read. Prints it to PDF: no
//! figure is cut.

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
        let scheme_flag = format!("--blink-settings=preferredColorScheme={number}");
        let flags = ["--dump-dom", scheme_flag.as_str()];
        let (document, messages) = run(&browser, folder.path(), &file, &flags);
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

/// The page with an empty, linked element in the first and the last corner of every drawing, and one
/// at the right edge. The browser writes the positions of linked elements into a PDF as plain text.
fn with_corners(page: &str) -> (String, usize) {
    let corner = |name: &str, place: &str| {
        format!(
            "<span id=\"{name}\" style=\"position:absolute;width:1px;height:1px;{place}\"></span>"
        )
    };
    let framed = |content: &str| format!("<div style=\"position:relative\">{content}</div>");
    let mut pieces = page.split("<svg class=\"plot\"");
    let mut marked = pieces.next().unwrap_or_default().to_owned();
    let mut names = vec!["edge".to_owned()];
    let mut count = 0;
    for piece in pieces {
        let (drawing, rest) = piece.split_once("</svg>").unwrap();
        let [first, last] = [format!("first-{count}"), format!("last-{count}")];
        let corners = [corner(&first, "top:0;left:0"), corner(&last, "bottom:0;right:0")];
        let drawing = format!("{}<svg class=\"plot\"{drawing}</svg>{}", corners[0], corners[1]);
        marked += &(framed(&drawing) + rest);
        names.extend([first, last]);
        count += 1;
    }
    let links: Vec<String> =
        names.iter().map(|name| format!("<a href=\"#{name}\">.</a>")).collect();
    let links = links.join(" ");
    let end = format!("{}<p>{links}</p></body>", framed(&corner("edge", "right:0")));
    (marked.replacen("</body>", &end, 1), count)
}

/// The page, by its number in the file, and the position of a linked element. If the browser
/// shrinks pages to fit wide tables, positions are those before shrinking.
fn position(pdf: &str, name: &str) -> (u32, f64, f64) {
    let start = format!("/{name} [");
    let (_, rest) = pdf.split_once(&start).unwrap_or_else(|| panic!("{name} has no position"));
    let words: Vec<&str> = rest.split_whitespace().take(6).collect();
    let [page, _, "R", "/XYZ", x, y] = words[..] else { panic!("{name}: {words:?}") };
    (page.parse().unwrap(), x.parse().unwrap(), y.parse().unwrap())
}

#[test]
fn no_figure_is_cut_when_the_page_is_printed() {
    let Some(browser) = installed() else {
        eprintln!("skipped: chromium is not installed");
        return;
    };
    let (page, drawings) = with_corners(&report::html(&Synthetic::agreeing(1).outcome()));
    assert!(drawings > 50, "{drawings} drawings");
    let folder = tempfile::tempdir().unwrap();
    let (file, pdf) = (folder.path().join("report.html"), folder.path().join("report.pdf"));
    for paper in ["A4", "letter"] {
        let style = format!("<style>@page {{ size: {paper} }}</style></head>");
        fs::write(&file, page.replacen("</head>", &style, 1)).unwrap();
        let print = format!("--print-to-pdf={}", pdf.display());
        let (_, messages) =
            run(&browser, folder.path(), &file, &[&print, "--no-pdf-header-footer"]);
        let Ok(bytes) = fs::read(&pdf) else { panic!("no PDF; the browser said: {messages}") };
        fs::remove_file(&pdf).unwrap();
        let printed = String::from_utf8_lossy(&bytes);
        let (_, edge, _) = position(&printed, "edge");
        let mut cut = Vec::new();
        for drawing in 0..drawings {
            let first = position(&printed, &format!("first-{drawing}"));
            let last = position(&printed, &format!("last-{drawing}"));
            // Positions in a PDF increase upwards.
            let is_on_one_page = first.0 == last.0 && first.2 > last.2;
            if !is_on_one_page || first.1 < 0.0 || first.1 >= last.1 || last.1 > edge {
                cut.push((drawing, first, last));
            }
        }
        assert!(cut.is_empty(), "{paper}: cut are {cut:?}");
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

/// Opens a file with these flags. Returns what the browser writes, and its messages.
fn run(browser: &Path, folder: &Path, file: &Path, flags: &[&str]) -> (String, String) {
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
        ])
        .args(flags)
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
