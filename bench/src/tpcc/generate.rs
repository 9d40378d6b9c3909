//! The population (clause 4.3.3), in parts that can be made by themselves: each has a seed of its own,
//! so several threads make the same rows as one.

use super::lines::{Hundredths, Lines, NULL, TenThousandths};
use super::moment::{LOADED_AT, text_of};
use super::random::{Source, last_name};
use super::scale::{DISTRICTS, SUPPLIERS, Scale};
use super::schema::Table;

/// Items of one part.
const ITEMS_A_PART: u32 = 10_000;
/// A customer begins with one payment of this.
const FIRST_PAYMENT: Hundredths = Hundredths(1_000);
/// Of the population: another number is another population.
const SEED: u64 = 0x5eed;

const REGIONS: [&str; 5] = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"];
/// Names and regions. The number of a nation is its position.
const NATIONS: [(&str, u32); 25] = [
    ("ALGERIA", 0),
    ("ARGENTINA", 1),
    ("BRAZIL", 1),
    ("CANADA", 1),
    ("EGYPT", 4),
    ("ETHIOPIA", 0),
    ("FRANCE", 3),
    ("GERMANY", 3),
    ("INDIA", 2),
    ("INDONESIA", 2),
    ("IRAN", 4),
    ("IRAQ", 4),
    ("JAPAN", 2),
    ("JORDAN", 4),
    ("KENYA", 0),
    ("MOROCCO", 0),
    ("MOZAMBIQUE", 0),
    ("PERU", 1),
    ("CHINA", 2),
    ("ROMANIA", 3),
    ("SAUDI ARABIA", 4),
    ("VIETNAM", 2),
    ("RUSSIA", 3),
    ("UNITED KINGDOM", 3),
    ("UNITED STATES", 1),
];

/// A share of the population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Regions, nations and suppliers.
    World,
    /// Items from this one on.
    Items(u32),
    /// A warehouse and its districts.
    Warehouse(u32),
    /// A warehouse's stocks of the items from this one on.
    Stocks(u32, u32),
    /// The customers of a warehouse's district, and their payments.
    Customers(u32, u32),
    /// The orders of a warehouse's district, and their lines.
    Orders(u32, u32),
}

impl Part {
    /// The whole population.
    pub fn all(scale: Scale) -> Vec<Self> {
        let firsts = || (1..=scale.items).step_by(ITEMS_A_PART as usize);
        let mut parts = vec![Self::World];
        parts.extend(firsts().map(Self::Items));
        for warehouse in 1..=scale.warehouses {
            parts.push(Self::Warehouse(warehouse));
            parts.extend(firsts().map(|first| Self::Stocks(warehouse, first)));
            for district in 1..=DISTRICTS {
                parts.extend([Self::Customers(warehouse, district), Self::Orders(warehouse, district)]);
            }
        }
        parts
    }

    /// Its rows.
    ///
    /// # Errors
    /// When a time of it has no date: none is that far from now.
    pub fn lines(self, scale: Scale) -> anyhow::Result<Vec<Lines>> {
        let source = Source::new(self.seed());
        match self {
            Self::World => Ok(world(source)),
            Self::Items(first) => Ok(vec![items(source, first, scale)]),
            Self::Warehouse(warehouse) => Ok(warehouse_and_districts(source, warehouse, scale)),
            Self::Stocks(warehouse, first) => Ok(vec![stocks(source, warehouse, first, scale)]),
            Self::Customers(warehouse, district) => customers(source, warehouse, district, scale),
            Self::Orders(warehouse, district) => orders(source, warehouse, district, scale),
        }
    }

    fn seed(self) -> u64 {
        let (kind, major, minor) = match self {
            Self::World => (0_u64, 0, 0),
            Self::Items(first) => (1, 0, first),
            Self::Warehouse(warehouse) => (2, warehouse, 0),
            Self::Stocks(warehouse, first) => (3, warehouse, first),
            Self::Customers(warehouse, district) => (4, warehouse, district),
            Self::Orders(warehouse, district) => (5, warehouse, district),
        };
        SEED ^ (kind << 60) ^ (u64::from(major) << 28) ^ u64::from(minor)
    }
}

fn world(mut source: Source) -> Vec<Lines> {
    let mut regions = Lines::new(Table::Region);
    for (number, name) in REGIONS.iter().enumerate() {
        regions.row(&[&number, name, &source.text(30, 100)]);
    }
    let mut nations = Lines::new(Table::Nation);
    for (number, (name, region)) in NATIONS.iter().enumerate() {
        nations.row(&[&number, name, region, &source.text(30, 100)]);
    }
    let mut suppliers = Lines::new(Table::Supplier);
    for number in 0..SUPPLIERS {
        let nation = source.number(0, NATIONS.len() as u32 - 1);
        let phone = format!("{}-{}-{}", nation + 10, source.digits(3), source.digits(4));
        let comment = source.text(25, 80);
        // CH-benCHmark looks for suppliers about whom there were complaints.
        let comment = if source.percent(1) { format!("{comment} bad") } else { comment };
        let balance = Hundredths(source.number(0, 999_999));
        suppliers.row(&[
            &number,
            &format!("Supplier#{number:09}"),
            &source.text(10, 40),
            &nation,
            &phone,
            &balance,
            &comment,
        ]);
    }
    vec![regions, nations, suppliers]
}

fn items(mut source: Source, first: u32, scale: Scale) -> Lines {
    let mut lines = Lines::new(Table::Item);
    for number in first..=scale.items.min(first + ITEMS_A_PART - 1) {
        let price = Hundredths(source.number(100, 10_000));
        lines.row(&[&number, &source.number(1, 10_000), &source.text(14, 24), &price, &source.data()]);
    }
    lines
}

fn warehouse_and_districts(mut source: Source, warehouse: u32, scale: Scale) -> Vec<Lines> {
    let of_district = FIRST_PAYMENT.0 * scale.customers;
    let mut warehouses = Lines::new(Table::Warehouse);
    warehouses.row(&[
        &warehouse,
        &source.text(6, 10),
        &source.address(),
        &TenThousandths(source.number(0, 2_000)),
        &Hundredths(of_district * DISTRICTS),
    ]);
    let mut districts = Lines::new(Table::District);
    for district in 1..=DISTRICTS {
        districts.row(&[
            &district,
            &warehouse,
            &source.text(6, 10),
            &source.address(),
            &TenThousandths(source.number(0, 2_000)),
            &Hundredths(of_district),
            &(scale.customers + 1),
        ]);
    }
    vec![warehouses, districts]
}

fn stocks(mut source: Source, warehouse: u32, first: u32, scale: Scale) -> Lines {
    let mut lines = Lines::new(Table::Stock);
    for item in first..=scale.items.min(first + ITEMS_A_PART - 1) {
        let quantity = source.number(10, 100);
        let districts = (0..DISTRICTS).map(|_| source.text(24, 24)).collect::<Vec<_>>().join("\t");
        lines.row(&[&item, &warehouse, &quantity, &districts, &0, &0, &0, &source.data()]);
    }
    lines
}

fn customers(mut source: Source, warehouse: u32, district: u32, scale: Scale) -> anyhow::Result<Vec<Lines>> {
    let since = text_of(LOADED_AT)?;
    let mut customers = Lines::new(Table::Customer);
    let mut history = Lines::new(Table::History);
    for number in 1..=scale.customers {
        let last = match number {
            1..=1_000 => last_name(number - 1),
            _ => source.loaded_last_name(scale.last_names()),
        };
        let first = source.text(8, 16);
        let credit = if source.percent(10) { "BC" } else { "GC" };
        customers.row(&[
            &number,
            &district,
            &warehouse,
            &first,
            &"OE",
            &last,
            &source.address(),
            &source.digits(16),
            &since,
            &credit,
            &"50000.00",
            &TenThousandths(source.number(0, 5_000)),
            &format!("-{FIRST_PAYMENT}"),
            &FIRST_PAYMENT,
            &1,
            &0,
            &source.text(300, 500),
        ]);
        let data = source.text(12, 24);
        history.row(&[&number, &district, &warehouse, &district, &warehouse, &since, &FIRST_PAYMENT, &data]);
    }
    Ok(vec![customers, history])
}

fn orders(mut source: Source, warehouse: u32, district: u32, scale: Scale) -> anyhow::Result<Vec<Lines>> {
    let buyers = source.permutation(scale.customers);
    let mut orders = Lines::new(Table::Orders);
    let mut undelivered = Lines::new(Table::NewOrder);
    let mut order_lines = Lines::new(Table::OrderLine);
    for (number, buyer) in (1..).zip(buyers) {
        let delivered = number <= scale.delivered();
        let entered = text_of(LOADED_AT + i64::from(number))?;
        let carrier = if delivered { source.number(1, 10).to_string() } else { NULL.to_owned() };
        let count = source.number(5, 15);
        orders.row(&[&number, &district, &warehouse, &buyer, &entered, &carrier, &count, &1]);
        if !delivered {
            undelivered.row(&[&number, &district, &warehouse]);
        }
        for line in 1..=count {
            let item = source.number(1, scale.items);
            let amount = Hundredths(if delivered { 0 } else { source.number(1, 999_999) });
            let delivery = if delivered { &entered } else { NULL };
            let info = source.text(24, 24);
            order_lines.row(&[&number, &district, &warehouse, &line, &item, &warehouse, &delivery, &5, &amount, &info]);
        }
    }
    Ok(vec![orders, undelivered, order_lines])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn rows(lines: &[Lines], table: Table) -> Vec<Vec<&str>> {
        let of_table = lines.iter().filter(|lines| lines.table == table);
        of_table.flat_map(|lines| lines.text.lines()).map(|line| line.split('\t').collect()).collect()
    }

    #[test]
    fn a_population_has_the_specification_s_rows() {
        let scale = Scale { warehouses: 2, items: 25_000, customers: 30 };
        let mut counts = BTreeMap::new();
        for part in Part::all(scale) {
            for lines in part.lines(scale).unwrap() {
                assert_eq!(lines.rows, lines.text.lines().count() as u64);
                *counts.entry(lines.table).or_insert(0) += lines.rows;
            }
        }
        let lines = counts.remove(&Table::OrderLine).unwrap();
        assert!((600 * 9..=600 * 11).contains(&lines), "{lines}");
        let expected = [
            (Table::Region, 5),
            (Table::Nation, 25),
            (Table::Supplier, 10_000),
            (Table::Item, 25_000),
            (Table::Warehouse, 2),
            (Table::District, 20),
            (Table::Stock, 50_000),
            (Table::Customer, 600),
            (Table::History, 600),
            (Table::Orders, 600),
            (Table::NewOrder, 180),
        ];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn orders_agree_with_their_lines() {
        let scale = Scale { warehouses: 1, items: 100, customers: 100 };
        let lines = Part::Orders(1, 3).lines(scale).unwrap();
        let mut counts = BTreeMap::new();
        for line in rows(&lines, Table::OrderLine) {
            *counts.entry(line[0].to_owned()).or_insert(0_u32) += 1;
            let undelivered = line[0].parse::<u32>().unwrap() > 70;
            assert_eq!((line[6] == NULL, line[8] == "0.00"), (undelivered, !undelivered), "{line:?}");
        }
        for order in rows(&lines, Table::Orders) {
            assert_eq!(order[6], counts[order[0]].to_string());
            assert_eq!(order[5] == NULL, order[0].parse::<u32>().unwrap() > 70);
        }
        assert_eq!(rows(&lines, Table::NewOrder).first().map(|row| row[0]), Some("71"));
    }

    #[test]
    fn a_part_is_always_the_same() {
        let scale = Scale::tenth(1);
        let part = Part::Customers(1, 1);
        assert_eq!(part.lines(scale).unwrap(), part.lines(scale).unwrap());
        assert_ne!(part.lines(scale).unwrap(), Part::Customers(1, 2).lines(scale).unwrap());
    }
}
