//! The SVG plot of latency against organization size: one panel per kind of query, both axes logarithmic.
//!
//! The background is transparent, and the colours are legible on white and on black, since pages have light and dark
//! themes.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::growth::Line;

const PANEL: (u32, u32) = (660, 480);
const PANELS_BESIDE: usize = 2;
/// Width of the labels to the right of the lines, in pixels.
const NAMES_WIDTH: u32 = 280;
/// Vertical distance between two labels, in pixels.
const NAME_HEIGHT: i32 = 20;
const NAME_SIZE: u32 = 15;
const GREY: RGBColor = RGBColor(122, 130, 140);
const COLOURS: [RGBColor; 7] = [
    RGBColor(56, 125, 214),
    RGBColor(204, 102, 18),
    RGBColor(30, 145, 85),
    RGBColor(212, 72, 72),
    RGBColor(148, 98, 214),
    RGBColor(20, 140, 150),
    RGBColor(200, 80, 150),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// All lines as an SVG.
pub(crate) fn draw(lines: &[Line], sizes: &[u64]) -> String {
    let mut kinds: Vec<&str> = lines.iter().map(|line| line.kind).collect();
    kinds.dedup();
    let rows = kinds.len().div_ceil(PANELS_BESIDE);
    let columns = kinds.len().min(PANELS_BESIDE);
    let size =
        [(PANEL.0, columns), (PANEL.1, rows)].map(|(size, count)| size * u32::try_from(count).unwrap());
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, size.into()).into_drawing_area();
        for (area, kind) in whole.split_evenly((rows, columns)).iter().zip(&kinds) {
            let of_kind: Vec<_> = lines.iter().filter(|line| line.kind == *kind).collect();
            panel(area, kind, &of_kind, sizes);
        }
        whole.present().unwrap();
    }
    svg
}

/// Draws the lines of one kind, each labelled at its end.
fn panel(area: &Area<'_>, kind: &str, lines: &[&Line], sizes: &[u64]) {
    let (least, most) = (sizes[0], sizes[sizes.len() - 1]);
    let times = || lines.iter().flat_map(|line| line.measured.iter().map(|(_, seconds)| *seconds));
    let whole_power = |seconds: f64, round: fn(f64) -> f64| 10_f64.powf(round(seconds.log10()));
    let fastest = whole_power(times().fold(f64::MAX, f64::min), f64::floor);
    let slowest = whole_power(times().fold(0.0, f64::max), f64::ceil);
    let grey = |size: u32| ("sans-serif", size).into_font().color(&GREY);
    let mut chart = ChartBuilder::on(area)
        .caption(kind, grey(20))
        .margin(12)
        .margin_right(NAMES_WIDTH)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d((least..most).log_scale(), (fastest..slowest).log_scale())
        .unwrap();
    chart
        .configure_mesh()
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.3))
        .light_line_style(TRANSPARENT)
        .label_style(grey(15))
        .axis_desc_style(grey(15))
        .x_desc("entities")
        .y_desc("latency")
        .x_labels(sizes.len())
        .x_label_formatter(&|size| count(*size))
        .y_label_formatter(&|seconds| time(*seconds).replace(".0 ", " "))
        .draw()
        .unwrap();
    // Sorted by their last value, so that adjacent lines get different colours.
    let mut lines = lines.to_vec();
    lines.sort_by(|a, b| last(a).total_cmp(&last(b)));
    let mut names = Vec::new();
    for (line, colour) in lines.into_iter().zip(COLOURS.iter().cycle()) {
        names.push((chart.backend_coord(line.measured.last().unwrap()), &*line.name, *colour));
        let dots = line.measured.iter().map(|point| Circle::new(*point, 3, colour.filled()));
        chart.draw_series(LineSeries::new(line.measured.clone(), colour.stroke_width(2))).unwrap();
        chart.draw_series(dots).unwrap();
    }
    name_ends(area, names);
}

fn last(line: &Line) -> f64 {
    line.measured.last().map_or(0.0, |(_, seconds)| *seconds)
}

/// Draws each label at the end of its line, moved up or down so that labels do not overlap.
fn name_ends(area: &Area<'_>, mut names: Vec<((i32, i32), &str, RGBColor)>) {
    let (left, top) = area.get_base_pixel();
    names.sort_by_key(|((_, y), ..)| *y);
    let lowest = i32::try_from(area.dim_in_pixel().1).unwrap() - NAME_HEIGHT;
    let mut label_ys: Vec<i32> = names.iter().map(|((_, y), ..)| y - top).collect();
    for at in 1..label_ys.len() {
        label_ys[at] = label_ys[at].max(label_ys[at - 1] + NAME_HEIGHT);
    }
    // The pass above pushes labels down, past the lower edge at worst; this pass pushes them back up.
    let mut limit = lowest;
    for label_y in label_ys.iter_mut().rev() {
        *label_y = (*label_y).min(limit);
        limit = *label_y - NAME_HEIGHT;
    }
    for (((x, y), name, colour), label_y) in names.into_iter().zip(label_ys) {
        let end = (x - left, y - top);
        let label = (end.0 + 22, label_y);
        area.draw(&PathElement::new([(end.0 + 4, end.1), (label.0 - 4, label_y)], colour.mix(0.6))).unwrap();
        let style = ("sans-serif", NAME_SIZE).into_font().color(&colour);
        area.draw(&Text::new(name, label, style.pos(Pos::new(HPos::Left, VPos::Center)))).unwrap();
    }
}

/// Formats a number of entities, such as `100 k`.
pub(crate) fn count(entities: u64) -> String {
    match entities {
        1_000_000.. => format!("{} M", entities / 1_000_000),
        _ => format!("{} k", entities / 1_000),
    }
}

/// Formats a time in seconds with at least two digits, such as `6.7 ms`.
pub(crate) fn time(seconds: f64) -> String {
    let units = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)];
    // 0.9995 instead of 1: a value that would round to 1000 of a unit is shown as 1.0 of the next.
    let (unit, of) = units.into_iter().find(|(_, of)| seconds >= of * 0.9995).unwrap_or(("ns", 1e-9));
    let value = seconds / of;
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}
