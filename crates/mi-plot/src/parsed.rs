//! Reads a drawing back, for tests.

use std::collections::BTreeMap;

use crate::Svg;

/// A drawing as a parser sees it.
pub(crate) struct Parsed {
    elements: Vec<BTreeMap<String, String>>,
    size: (f64, f64),
}

impl Parsed {
    /// Parses the drawing, which must be well-formed and accessible, in both of its forms.
    pub(crate) fn new(svg: &Svg) -> Self {
        let alone = svg.standalone();
        let document = roxmltree::Document::parse(&alone).expect("well-formed XML");
        let inline = svg.inline();
        roxmltree::Document::parse(&inline).expect("well-formed XML");
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let mut children = root.children();
        assert!(children.next().is_some_and(|n| n.has_tag_name(tag("title"))));
        assert!(children.next().is_some_and(|n| n.has_tag_name(tag("desc"))));

        for bad in ["NaN,", "NaN ", "inf ", "=\"NaN\"", "=\"inf\""] {
            let drawn = alone.replace("data-value=\"NaN\"", "").replace("data-y=\"NaN\"", "");
            let drawn = drawn.replace("data-value=\"inf\"", "").replace("data-y=\"inf\"", "");
            assert!(!drawn.contains(bad), "{bad} in {drawn}");
        }
        let elements = root
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(|node| {
                let mut map: BTreeMap<String, String> = node
                    .attributes()
                    .map(|a| (a.name().to_owned(), a.value().to_owned()))
                    .collect();
                map.insert("tag".to_owned(), node.tag_name().name().to_owned());
                map.insert("text".to_owned(), node.text().unwrap_or_default().to_owned());
                if let Some(title) = node.children().find(|n| n.has_tag_name(tag("title"))) {
                    map.insert("title".to_owned(), title.text().unwrap_or_default().to_owned());
                }
                map
            })
            .collect();
        Self { elements, size: svg.size() }
    }

    /// The elements that have an attribute.
    pub(crate) fn with_attribute(&self, name: &str) -> Vec<&BTreeMap<String, String>> {
        self.elements.iter().filter(|e| e.contains_key(name)).collect()
    }

    /// The elements of a class.
    pub(crate) fn of_class(&self, class: &str) -> Vec<&BTreeMap<String, String>> {
        let has = |classes: &String| classes.split_whitespace().any(|c| c == class);
        self.elements.iter().filter(|e| e.get("class").is_some_and(has)).collect()
    }

    /// The texts of a class, in drawing order.
    pub(crate) fn texts(&self, class: &str) -> Vec<&str> {
        self.of_class(class).iter().map(|e| e["text"].as_str()).collect()
    }

    /// The positions of the elements of a class, from their `translate`.
    pub(crate) fn positions(&self, class: &str) -> Vec<(f64, f64)> {
        let position = |element: &&BTreeMap<String, String>| {
            let inner = element["transform"].strip_prefix("translate(").expect("a translation");
            let (x, y) = inner.trim_end_matches(')').split_once(' ').expect("two numbers");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        };
        self.of_class(class).iter().map(position).collect()
    }

    /// Asserts that the elements with an attribute are inside the drawing.
    pub(crate) fn assert_inside(&self, attribute: &str) {
        for element in self.with_attribute(attribute) {
            let read = |name: &str| element[name].parse::<f64>().unwrap();
            assert!(read("x") >= 0.0 && read("x") + read("width") <= self.size.0, "{element:?}");
            assert!(read("y") >= 0.0 && read("y") + read("height") <= self.size.1, "{element:?}");
        }
    }
}

fn tag(name: &'static str) -> (&'static str, &'static str) {
    ("http://www.w3.org/2000/svg", name)
}
