//! `cargo xtask bench --report`: one HTML page of all records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mi_plot::{Axis, LineChart, Point, Scale, Series};

use super::cost::{Family, families};
use super::record::{Kind, Measurement, Record, short};
use super::table::{interval, value};
use crate::clock::Utc;
use crate::files::write_whole;
use crate::terminal::print;

/// Charts can distinguish this many series.
const MOST_SERIES: usize = mi_plot::COLOURS;

/// The page's own style rules; colours are those of the charts.
const STYLE: &str = "\
body{margin:2rem auto;max-width:80rem;padding:0 1rem;background:var(--plot-surface);\
color:var(--plot-ink);font:16px/1.5 system-ui,sans-serif}\
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .7rem .2rem 0;text-align:right;border-bottom:1px solid var(--plot-grid)}\
td{white-space:nowrap}th:first-child,td:first-child{text-align:left}\
.wide{overflow-x:auto}.charts{display:flex;flex-wrap:wrap;gap:1rem}\
.charts svg{max-width:100%;height:auto}\
.note{color:var(--plot-muted)}summary{cursor:pointer;font-weight:600}";

/// Writes the page of all records of a folder.
pub(crate) fn run(records: &Path, out: &Path) -> Result<()> {
    let all: Vec<_> = Record::read_all(records)?.into_iter().map(|(_, record)| record).collect();
    ensure!(!all.is_empty(), "no record in {}; `cargo xtask bench` makes one", records.display());
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    write_whole(out, &page(&all))?;
    print(format_args!("report: {}\n", out.display()))?;
    Ok(())
}

/// Records are expected oldest first.
fn page(records: &[Record]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Benchmark history</title><style>{}{STYLE}</style></head><body>\
         <h1>Benchmark history</h1>\
         <p class=\"note\">{} records. A point is the median of one benchmark in one record with \
         its 95 % interval; lower is faster. Only points of one machine compare.</p>",
        mi_plot::stylesheet(),
        records.len(),
    );
    machines(&mut html, records);
    for machine in machine_names(records) {
        newest(&mut html, records, &machine);
    }
    for machine in machine_names(records) {
        cost(&mut html, records, &machine);
    }
    history(&mut html, records);
    html += "</body></html>\n";
    html
}

/// Fingerprints in the order of their first record.
fn machine_names(records: &[Record]) -> Vec<String> {
    let mut names = Vec::new();
    for record in records {
        if !names.contains(&record.machine.fingerprint) {
            names.push(record.machine.fingerprint.clone());
        }
    }
    names
}

fn machines(html: &mut String, records: &[Record]) {
    *html += "<h2>Machines</h2><div class=\"wide\"><table><tr><th>machine</th><th>processor</th>\
              <th>cores</th><th>records</th><th>sgemm, one core / all</th>\
              <th>triad, one core / all</th></tr>";
    for name in machine_names(records) {
        let mut own = records.iter().filter(|record| record.machine.fingerprint == name);
        let Some(last) =
            own.clone().rfind(|one| one.kind == Kind::Time).or(own.clone().next_back())
        else {
            continue;
        };
        let rate = |rate: Option<f64>| rate.map_or("–".to_owned(), |rate| format!("{rate:.1}"));
        let (machine, yardstick) = (&last.machine, &last.yardstick);
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} / {} GFLOP/s</td>\
             <td>{} / {} GB/s</td></tr>",
            short(&name),
            escape(&machine.processor),
            machine.cores,
            own.by_ref().count(),
            rate(yardstick.sgemm_one_core),
            rate(yardstick.sgemm_all_cores),
            rate(yardstick.triad_one_core),
            rate(yardstick.triad_all_cores),
        );
    }
    *html += "</table></div>";
}

/// The last result of every benchmark on a machine, with its record.
fn last_results<'a>(
    records: &'a [Record],
    machine: &str,
    kind: Kind,
) -> BTreeMap<&'a str, (&'a Record, &'a Measurement)> {
    let own = records.iter().filter(|record| record.machine.fingerprint == machine);
    own.filter(|record| record.kind == kind)
        .flat_map(|record| record.results.iter().map(move |one| (one.id.as_str(), (record, one))))
        .collect()
}

fn newest(html: &mut String, records: &[Record], machine: &str) {
    let _ = write!(
        html,
        "<h2>Newest results, machine {}</h2><div class=\"wide\"><table><tr><th>benchmark</th>\
         <th>median time or count</th><th>95 % interval</th><th>rate</th><th>of one core</th>\
         <th>of the machine</th><th>commit</th></tr>",
        short(machine)
    );
    let times = last_results(records, machine, Kind::Time);
    let counts = last_results(records, machine, Kind::Instructions);
    for (id, (record, Measurement { value: median, low, high, rates, .. })) in
        times.into_iter().chain(counts)
    {
        let unit = &record.unit;
        let joined = |cells: Vec<String>| {
            if cells.is_empty() { "–".to_owned() } else { cells.join("<br>") }
        };
        let share = |share: Option<f64>| match share {
            Some(share) => format!("{:.0} %", 1e2 * share),
            None => "–".to_owned(),
        };
        let rate_cells = rates.iter().map(|rate| format!("{:.2} {}", rate.value, rate.unit.name()));
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}{}</td></tr>",
            escape(id),
            value(*median, unit),
            interval(*low, *high, unit),
            joined(rate_cells.collect()),
            joined(rates.iter().map(|rate| share(rate.share_of_one_core)).collect()),
            joined(rates.iter().map(|rate| share(rate.share_of_machine)).collect()),
            short(&record.commit.hash),
            if record.commit.dirty { "+dirty" } else { "" },
        );
    }
    *html += "</table></div>";
}

/// Log–log charts of the newest times over K, with the slopes.
fn cost(html: &mut String, records: &[Record], machine: &str) {
    let times = last_results(records, machine, Kind::Time);
    let families = families(times.iter().map(|(id, (_, one))| (*id, one.value)));
    if families.is_empty() {
        return;
    }
    let _ = write!(
        html,
        "<h2>Cost against K, machine {}</h2>\
         <p class=\"note\">Newest times. The slope is the exponent s of time ∝ K^s: over all K, \
         and between the two largest.</p><div class=\"charts\">",
        short(machine)
    );
    for (group, members) in grouped(&families) {
        for part in members.chunks(MOST_SERIES) {
            let x = Axis::new("K").scale(Scale::Log);
            let mut chart =
                LineChart::new(group.as_str(), x, Axis::new("time in ms").scale(Scale::Log));
            chart = chart.description(format!("Time over K of {} benchmarks", part.len()));
            for family in part {
                let points =
                    family.points.iter().map(|&(k, time)| Point::new(k, time / 1e6)).collect();
                chart = chart.series(Series::new(last_part(&family.id, &group), points));
            }
            *html += &chart.size(600.0, 420.0).draw().inline();
        }
    }
    *html += "</div><div class=\"wide\"><table><tr><th>benchmark</th><th>K</th><th>slope</th>\
              <th>slope between the largest</th></tr>";
    for family in &families {
        let ks: Vec<_> = family.points.iter().map(|(k, _)| k.to_string()).collect();
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{:.2}</td><td>{:.2}</td></tr>",
            escape(&family.id),
            ks.join(", "),
            family.slope(),
            family.last_slope(),
        );
    }
    *html += "</table></div>";
}

/// Families by package, target and group, the first three parts of their ids.
fn grouped(families: &[Family]) -> BTreeMap<String, Vec<&Family>> {
    let mut groups: BTreeMap<String, Vec<&Family>> = BTreeMap::new();
    for family in families {
        let group: Vec<_> = family.id.splitn(4, '/').take(3).collect();
        groups.entry(group.join("/")).or_default().push(family);
    }
    groups
}

/// The part of an id after its group; the complete id if that is empty.
fn last_part<'a>(id: &'a str, group: &str) -> &'a str {
    let rest = id.strip_prefix(group).unwrap_or(id).trim_start_matches('/');
    let rest = rest.strip_suffix("/K").unwrap_or(rest);
    if rest.is_empty() { id } else { rest }
}

/// One chart per benchmark, one line per machine, grouped by package and target.
fn history(html: &mut String, records: &[Record]) {
    type Lines<'a> = BTreeMap<&'a str, Vec<(&'a Record, &'a Measurement)>>;

    let mut charts: BTreeMap<(String, &str), Lines<'_>> = BTreeMap::new();
    for record in records {
        for one in &record.results {
            let target: Vec<_> = one.id.splitn(3, '/').take(2).collect();
            let lines = charts.entry((target.join("/"), one.id.as_str())).or_default();
            lines.entry(record.machine.fingerprint.as_str()).or_default().push((record, one));
        }
    }
    let first_day = records.iter().find_map(|record| Utc::days_of(&record.date));
    let first_day = first_day.unwrap_or(0.0).floor();
    let since = records.first().map_or("", |record| record.date.split('T').next().unwrap_or(""));
    let order = machine_names(records);

    *html += "<h2>History</h2>";
    let mut open: Option<String> = None;
    for ((target, id), lines) in charts {
        if open.as_ref() != Some(&target) {
            if open.is_some() {
                *html += "</div></details>";
            }
            let _ = write!(
                html,
                "<details open><summary>{}</summary><div class=\"charts\">",
                escape(&target)
            );
            open = Some(target);
        }
        let unit = lines.values().flatten().next().map_or("", |(record, _)| record.unit.as_str());
        let (unit, scale) = if unit == "ns" { ("ms", 1e6) } else { (unit, 1.0) };
        let x = Axis::new(format!("days since {since}"));
        let title = id.splitn(3, '/').last().unwrap_or(id);
        let mut chart = LineChart::new(title, x, Axis::new(unit).scale(Scale::Log))
            .description(format!("{id} on {} machines, record by record", lines.len()));
        for (machine, points) in lines {
            let points = points.into_iter().filter_map(|(record, one)| {
                let day = Utc::days_of(&record.date)? - first_day;
                let point = Point::new(day, one.value / scale);
                Some(point.between(one.low / scale, one.high / scale).note(record.title()))
            });
            let colour = order.iter().position(|name| name == machine).unwrap_or(0);
            let series = Series::new(format!("machine {}", short(machine)), points.collect());
            chart = chart.series(series.colour(colour));
        }
        *html += &chart.size(460.0, 280.0).draw().inline();
    }
    if open.is_some() {
        *html += "</div></details>";
    }
}

/// Text as HTML shows it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::super::record::{Rate, RateUnit};
    use super::*;

    #[test]
    fn the_page_shows_machines_history_and_cost() {
        let results = [
            ("p/t/loop/dot/128", 1e5, 1e3),
            ("p/t/loop/dot/512", 1.6e6, 1e3),
            ("p/t/loop/<odd>", 5e5, 1e3),
        ];
        let mut records = vec![
            record("one", "2026-01-01T00:00:00Z", &results),
            record("two", "2026-01-05T12:00:00Z", &results[..1]),
            record("one", "2026-02-01T00:00:00Z", &results),
        ];
        records[2].results[0].rates.push(Rate {
            unit: RateUnit::GigaflopPerSecond,
            value: 70.0,
            share_of_one_core: Some(0.875),
            share_of_machine: None,
        });
        let html = page(&records);
        for text in [
            "days since 2026-01-01",
            "p/t/loop/&lt;odd&gt;",
            "70.00 GFLOP/s",
            "88 %",
            "<td>p/t/loop/dot/K</td><td>128, 512</td><td>2.00</td><td>2.00</td>",
            &format!("machine {}", short(&records[0].machine.fingerprint)),
            &format!("machine {}", short(&records[1].machine.fingerprint)),
        ] {
            assert!(html.contains(text), "{text} is not on the page");
        }
        assert!(!html.contains("<odd>"));
        // Self-contained: nothing is fetched.
        assert!(!html.contains("src=") && !html.contains("<link") && !html.contains("@import"));
        // One chart of cost, three of history.
        assert_eq!(html.matches("<svg").count(), 4);
        assert_eq!(html.matches("<details").count(), html.matches("</details>").count());
    }

    #[test]
    fn an_empty_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let message = format!("{:#}", run(folder.path(), &folder.path().join("x")).unwrap_err());
        assert!(message.contains("cargo xtask bench"), "{message}");
    }
}
