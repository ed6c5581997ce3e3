//! `cargo xtask bench --report`: one HTML page of all records.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use mi_plot::{Axis, LineChart, Point, Scale, Series};

use super::cost::{Family, families};
use super::record::{Kind, Measurement, Rate, Record, short};
use super::table::{interval, value};
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
    let machines = machine_names(records);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Benchmark history" }
                style { (PreEscaped(mi_plot::stylesheet())) (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Benchmark history" }
                p class="note" {
                    (records.len()) " records. A point is the median of one benchmark in one record with \
                    its 95 % interval; lower is faster. Only points of one machine compare."
                }
                (machine_table(records, &machines))
                @for machine in &machines { (newest(records, machine)) }
                @for machine in &machines { (cost(records, machine)) }
                (history(records, &machines))
            }
        }
    };
    page.into_string()
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

fn machine_table(records: &[Record], machines: &[String]) -> Markup {
    let rate = |rate: Option<f64>| rate.map_or("–".to_owned(), |rate| format!("{rate:.1}"));
    html! {
        h2 { "Machines" }
        div class="wide" {
            table {
                tr {
                    th { "machine" } th { "processor" } th { "cores" } th { "records" }
                    th { "sgemm, one core / all" } th { "triad, one core / all" }
                }
                @for name in machines {
                    @let own = || records.iter().filter(|one| one.machine.fingerprint == *name);
                    @let last = own().rfind(|one| one.kind == Kind::Time).or_else(|| own().next_back());
                    @if let Some(Record { machine, yardstick, .. }) = last {
                        tr {
                            td { (short(name)) }
                            td { (machine.processor) }
                            td { (machine.cores) }
                            td { (own().count()) }
                            td {
                                (rate(yardstick.sgemm_one_core)) " / "
                                (rate(yardstick.sgemm_all_cores)) " GFLOP/s"
                            }
                            td {
                                (rate(yardstick.triad_one_core)) " / "
                                (rate(yardstick.triad_all_cores)) " GB/s"
                            }
                        }
                    }
                }
            }
        }
    }
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

fn newest(records: &[Record], machine: &str) -> Markup {
    let times = last_results(records, machine, Kind::Time);
    let counts = last_results(records, machine, Kind::Instructions);
    html! {
        h2 { "Newest results, machine " (short(machine)) }
        div class="wide" {
            table {
                tr {
                    th { "benchmark" } th { "median time or count" } th { "95 % interval" } th { "rate" }
                    th { "of one core" } th { "of the machine" } th { "commit" }
                }
                @for (id, (record, one)) in times.into_iter().chain(counts) {
                    tr {
                        td { (id) }
                        td { (value(one.value, &record.unit)) }
                        td { (interval(one.low, one.high, &record.unit)) }
                        td { (lines(one, |rate| format!("{:.2} {}", rate.value, rate.unit.name()))) }
                        td { (lines(one, |rate| share(rate.share_of_one_core))) }
                        td { (lines(one, |rate| share(rate.share_of_machine))) }
                        td {
                            (short(&record.commit.hash))
                            @if record.commit.dirty { "+dirty" }
                        }
                    }
                }
            }
        }
    }
}

/// One line for each rate of a measurement.
fn lines(measurement: &Measurement, text: impl Fn(&Rate) -> String) -> Markup {
    html! {
        @if measurement.rates.is_empty() { "–" }
        @for (place, rate) in measurement.rates.iter().enumerate() {
            @if place > 0 { br; }
            (text(rate))
        }
    }
}

fn share(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", 1e2 * share))
}

/// Log–log charts of the newest times over K, with the slopes.
fn cost(records: &[Record], machine: &str) -> Markup {
    let times = last_results(records, machine, Kind::Time);
    let families = families(times.iter().map(|(id, (_, one))| (*id, one.value)));
    if families.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Cost against K, machine " (short(machine)) }
        p class="note" {
            "Newest times. The slope is the exponent s of time ∝ K^s: over all K, and between the two \
            largest."
        }
        div class="charts" {
            @for (group, members) in grouped(&families) {
                @for part in members.chunks(MOST_SERIES) {
                    (PreEscaped(cost_chart(&group, part).size(600.0, 420.0).draw().inline()))
                }
            }
        }
        div class="wide" {
            table {
                tr {
                    th { "benchmark" } th { "K" } th { "slope" } th { "slope between the largest" }
                }
                @for family in &families {
                    @let ks: Vec<_> = family.points.iter().map(|(k, _)| k.to_string()).collect();
                    tr {
                        td { (family.id) }
                        td { (ks.join(", ")) }
                        td { (format!("{:.2}", family.slope())) }
                        td { (format!("{:.2}", family.last_slope())) }
                    }
                }
            }
        }
    }
}

fn cost_chart(group: &str, families: &[&Family]) -> LineChart {
    let x = Axis::new("K").scale(Scale::Log);
    let chart = LineChart::new(group, x, Axis::new("time in ms").scale(Scale::Log));
    let chart = chart.description(format!("Time over K of {} benchmarks", families.len()));
    families.iter().fold(chart, |chart, family| {
        let points = family.points.iter().map(|&(k, time)| Point::new(k, time / 1e6)).collect();
        chart.series(Series::new(last_part(&family.id, group), points))
    })
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

/// The measurements of one benchmark by machine, with their records.
type Lines<'a> = BTreeMap<&'a str, Vec<(&'a Record, &'a Measurement)>>;

/// One chart per benchmark, one line per machine, grouped by package and target.
fn history(records: &[Record], machines: &[String]) -> Markup {
    let mut targets: BTreeMap<String, BTreeMap<&str, Lines<'_>>> = BTreeMap::new();
    for record in records {
        for one in &record.results {
            let target: Vec<_> = one.id.splitn(3, '/').take(2).collect();
            let charts = targets.entry(target.join("/")).or_default();
            let lines = charts.entry(one.id.as_str()).or_default();
            lines.entry(record.machine.fingerprint.as_str()).or_default().push((record, one));
        }
    }
    let first_day = records.iter().find_map(|record| days_of(&record.date));
    let first_day = first_day.unwrap_or(0.0).floor();
    let since = records.first().map_or("", |record| record.date.split('T').next().unwrap_or(""));
    html! {
        h2 { "History" }
        @for (target, charts) in targets {
            details open {
                summary { (target) }
                div class="charts" {
                    @for (id, lines) in charts {
                        @let chart = history_chart(id, lines, since, first_day, machines);
                        (PreEscaped(chart.size(460.0, 280.0).draw().inline()))
                    }
                }
            }
        }
    }
}

fn history_chart(
    id: &str,
    lines: Lines<'_>,
    since: &str,
    first_day: f64,
    machines: &[String],
) -> LineChart {
    let unit = lines.values().flatten().next().map_or("", |(record, _)| record.unit.as_str());
    let (unit, scale) = if unit == "ns" { ("ms", 1e6) } else { (unit, 1.0) };
    let x = Axis::new(format!("days since {since}"));
    let title = id.splitn(3, '/').last().unwrap_or(id);
    let mut chart = LineChart::new(title, x, Axis::new(unit).scale(Scale::Log))
        .description(format!("{id} on {} machines, record by record", lines.len()));
    for (machine, points) in lines {
        let points = points.into_iter().filter_map(|(record, one)| {
            let day = days_of(&record.date)? - first_day;
            let point = Point::new(day, one.value / scale);
            Some(point.between(one.low / scale, one.high / scale).note(record.title()))
        });
        let colour = machines.iter().position(|name| name == machine).unwrap_or(0);
        let series = Series::new(format!("machine {}", short(machine)), points.collect());
        chart = chart.series(series.colour(colour));
    }
    chart
}

/// Days since 1970-01-01 of a record's date; `None` for other text.
fn days_of(date: &str) -> Option<f64> {
    let time = humantime::parse_rfc3339(date).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::super::record::RateUnit;
    use super::super::record::tests::record;
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
    fn days_of_a_date_count_from_1970() {
        for (date, days) in [
            ("1970-01-02T12:00:00Z", Some(1.5)),
            ("2000-02-29T00:00:00Z", Some(11_016.0)),
            ("2026-13-01T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(days_of(date), days, "{date}");
        }
    }

    #[test]
    fn an_empty_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let message = format!("{:#}", run(folder.path(), &folder.path().join("x")).unwrap_err());
        assert!(message.contains("cargo xtask bench"), "{message}");
    }
}
