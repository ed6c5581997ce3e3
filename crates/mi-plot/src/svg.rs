//! Writing SVG: escaping, coordinates and the finished drawing.

use std::fmt::Write as _;

use crate::theme;

/// A finished drawing.
///
/// It is one `<svg>` element with `role="img"`, a `<title>` and a `<desc>`. Its colours come from
/// the [stylesheet](crate::stylesheet); its elements also have those of the light scheme as
/// attributes, for readers of SVG that do not know custom properties.
#[derive(Clone, Debug, PartialEq)]
pub struct Svg {
    width: f64,
    height: f64,
    title: String,
    description: String,
    body: String,
}

const NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";
/// The first attributes of every drawing, by which one is recognised.
const OWN: &str = " class=\"plot\" role=\"img\"";

impl Svg {
    /// For use inside a page that contains [`stylesheet`](crate::stylesheet) once.
    pub fn inline(&self) -> String {
        self.element("", "")
    }

    /// For use as a separate file: declares its namespace and includes the style, also for the dark
    /// colour scheme.
    pub fn standalone(&self) -> String {
        let style = format!("<style>{}</style>", theme::stylesheet());
        let mut file = self.element(NAMESPACE, &style);
        file.push('\n');
        file
    }

    /// Whether a file's content is a drawing by [`standalone`](Self::standalone).
    pub fn is_standalone(content: &[u8]) -> bool {
        content.starts_with(format!("<svg{NAMESPACE}{OWN}").as_bytes())
    }

    /// The title, as a screen reader reads it.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether an element of this class is drawn, e.g. `plot-band`: a caption can then explain what
    /// is there, and nothing else.
    pub fn has_class(&self, class: &str) -> bool {
        let mut lists =
            self.body.split(" class=\"").skip(1).filter_map(|rest| rest.split('"').next());
        lists.any(|list| list.split(' ').any(|own| own == class))
    }

    /// Width and height in user units.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    fn element(&self, namespace: &str, style: &str) -> String {
        let (width, height) = (coordinate(self.width), coordinate(self.height));
        let mut surface = Canvas::new();
        let size = [("width", width.as_str()), ("height", &height)];
        surface.element("rect", &[("class", "plot-surface"), size[0], size[1]]);
        format!(
            "<svg{namespace}{OWN} viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" {}><title>{}</title><desc>{}</desc>{style}\
             {}{}</svg>",
            theme::TYPE,
            escape(&self.title),
            escape(&self.description),
            surface.body,
            self.body,
        )
    }
}

/// Which end of a text its position refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under construction.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    body: String,
    /// The elements that are not closed yet, each with the series colour inside it.
    open: Vec<(&'static str, &'static str)>,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Writes an element without content.
    pub(crate) fn element(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.start(tag, attributes);
        self.body.push_str("/>");
    }

    /// Writes an element whose only content is a `<title>`, which browsers show on hover.
    pub(crate) fn titled(&mut self, tag: &str, attributes: &[(&str, &str)], title: &str) {
        self.start(tag, attributes);
        // Writing to a String cannot fail.
        let _ = write!(self.body, "><title>{}</title></{tag}>", escape(title));
    }

    /// Opens an element that [`close`](Self::close) ends.
    pub(crate) fn open(&mut self, tag: &'static str, attributes: &[(&str, &str)]) {
        self.start(tag, attributes);
        self.body.push('>');
        self.open.push((tag, self.series_colour(attributes)));
    }

    /// Ends the element opened last.
    pub(crate) fn close(&mut self) {
        if let Some((tag, _)) = self.open.pop() {
            let _ = write!(self.body, "</{tag}>");
        }
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, class: &str, anchor: Anchor, text: &str) {
        let (x, y) = (coordinate(x), coordinate(y));
        let mut attributes = vec![("class", class), ("x", &x), ("y", &y)];
        match anchor {
            Anchor::Start => {}
            Anchor::Middle => attributes.push(("text-anchor", "middle")),
            Anchor::End => attributes.push(("text-anchor", "end")),
        }
        self.start("text", &attributes);
        let _ = write!(self.body, ">{}</text>", escape(text));
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.element(
            "line",
            &[
                ("class", class),
                ("x1", &coordinate(from.0)),
                ("y1", &coordinate(from.1)),
                ("x2", &coordinate(to.0)),
                ("y2", &coordinate(to.1)),
            ],
        );
    }

    pub(crate) fn finish(mut self, width: f64, height: f64, title: &str, description: &str) -> Svg {
        while !self.open.is_empty() {
            self.close();
        }
        Svg {
            width,
            height,
            title: title.to_owned(),
            description: description.to_owned(),
            body: self.body,
        }
    }

    fn start(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.body, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.body, " {name}=\"{}\"", escape(value));
        }
        let classes = class(attributes);
        for (name, value) in theme::presentation(tag, classes, self.series_colour(attributes)) {
            if attributes.iter().all(|(own, _)| *own != name) {
                let _ = write!(self.body, " {name}=\"{value}\"");
            }
        }
    }

    /// The series colour that an element with these attributes has.
    fn series_colour(&self, attributes: &[(&str, &str)]) -> &'static str {
        let around = || self.open.last().map_or(theme::INK, |(_, colour)| *colour);
        theme::series_colour(class(attributes)).unwrap_or_else(around)
    }
}

/// The classes among attributes.
fn class<'a>(attributes: &[(&str, &'a str)]) -> &'a str {
    attributes.iter().find(|(name, _)| *name == "class").map_or("", |(_, classes)| classes)
}

/// A coordinate with at most two decimals, the same text on every machine.
pub(crate) fn coordinate(value: f64) -> String {
    debug_assert!(value.is_finite(), "coordinates are finite, got {value}");
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Path data through points.
pub(crate) fn path(points: &[(f64, f64)], closed: bool) -> String {
    let mut d = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        d.push(if index == 0 { 'M' } else { 'L' });
        d.push_str(&coordinate(*x));
        d.push(' ');
        d.push_str(&coordinate(*y));
    }
    if closed {
        d.push('z');
    }
    d
}

/// Makes a text safe as XML content and as a quoted attribute.
///
/// Control characters that XML 1.0 forbids become U+FFFD: one of them in a label would make the
/// whole file unreadable.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\r' => escaped.push(' '),
            // Breaks the line of a hover text.
            '\n' => escaped.push('\n'),
            c if c < ' ' || matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_minus_zero() {
        assert_eq!(coordinate(1.0), "1");
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(12.345), "12.35");
        assert_eq!(coordinate(100.0), "100");
    }

    #[test]
    fn escaped_text_survives_a_parser() {
        let text = "a<b & \"c\" 'd' > e";
        let svg = Canvas::new().finish(10.0, 10.0, text, "x\u{1}y").standalone();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let title = document.descendants().find(|n| n.has_tag_name("title")).unwrap();
        assert_eq!(title.text(), Some(text));
        let desc = document.descendants().find(|n| n.has_tag_name("desc")).unwrap();
        assert_eq!(desc.text(), Some("x\u{fffd}y"));
    }
}
