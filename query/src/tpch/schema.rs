//! The eight tables, in MySQL's words, with the primary keys that the specification names.

use std::fmt;
use std::str::FromStr;

/// A table of TPC-H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the tables of the same name")]
pub enum Table {
    Region,
    Nation,
    Supplier,
    Part,
    PartSupp,
    Customer,
    Orders,
    LineItem,
}

impl Table {
    /// All of them, small ones first.
    pub const ALL: [Self; 8] = [
        Self::Region,
        Self::Nation,
        Self::Supplier,
        Self::Part,
        Self::PartSupp,
        Self::Customer,
        Self::Orders,
        Self::LineItem,
    ];

    /// As SQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Nation => "nation",
            Self::Supplier => "supplier",
            Self::Part => "part",
            Self::PartSupp => "partsupp",
            Self::Customer => "customer",
            Self::Orders => "orders",
            Self::LineItem => "lineitem",
        }
    }

    /// `CREATE TABLE`, in MySQL's dialect.
    ///
    /// Identifiers are `BIGINT`, other integers `INT`, money `DECIMAL(15,2)`.
    pub fn ddl(self) -> &'static str {
        match self {
            Self::Region => {
                "create table region (
    r_regionkey bigint not null,
    r_name char(25) not null,
    r_comment varchar(152),
    primary key (r_regionkey)
)"
            }
            Self::Nation => {
                "create table nation (
    n_nationkey bigint not null,
    n_name char(25) not null,
    n_regionkey bigint not null,
    n_comment varchar(152),
    primary key (n_nationkey)
)"
            }
            Self::Supplier => {
                "create table supplier (
    s_suppkey bigint not null,
    s_name char(25) not null,
    s_address varchar(40) not null,
    s_nationkey bigint not null,
    s_phone char(15) not null,
    s_acctbal decimal(15,2) not null,
    s_comment varchar(101) not null,
    primary key (s_suppkey)
)"
            }
            Self::Part => {
                "create table part (
    p_partkey bigint not null,
    p_name varchar(55) not null,
    p_mfgr char(25) not null,
    p_brand char(10) not null,
    p_type varchar(25) not null,
    p_size int not null,
    p_container char(10) not null,
    p_retailprice decimal(15,2) not null,
    p_comment varchar(23) not null,
    primary key (p_partkey)
)"
            }
            Self::PartSupp => {
                "create table partsupp (
    ps_partkey bigint not null,
    ps_suppkey bigint not null,
    ps_availqty int not null,
    ps_supplycost decimal(15,2) not null,
    ps_comment varchar(199) not null,
    primary key (ps_partkey, ps_suppkey)
)"
            }
            Self::Customer => {
                "create table customer (
    c_custkey bigint not null,
    c_name varchar(25) not null,
    c_address varchar(40) not null,
    c_nationkey bigint not null,
    c_phone char(15) not null,
    c_acctbal decimal(15,2) not null,
    c_mktsegment char(10) not null,
    c_comment varchar(117) not null,
    primary key (c_custkey)
)"
            }
            Self::Orders => {
                "create table orders (
    o_orderkey bigint not null,
    o_custkey bigint not null,
    o_orderstatus char(1) not null,
    o_totalprice decimal(15,2) not null,
    o_orderdate date not null,
    o_orderpriority char(15) not null,
    o_clerk char(15) not null,
    o_shippriority int not null,
    o_comment varchar(79) not null,
    primary key (o_orderkey)
)"
            }
            Self::LineItem => {
                "create table lineitem (
    l_orderkey bigint not null,
    l_partkey bigint not null,
    l_suppkey bigint not null,
    l_linenumber int not null,
    l_quantity decimal(15,2) not null,
    l_extendedprice decimal(15,2) not null,
    l_discount decimal(15,2) not null,
    l_tax decimal(15,2) not null,
    l_returnflag char(1) not null,
    l_linestatus char(1) not null,
    l_shipdate date not null,
    l_commitdate date not null,
    l_receiptdate date not null,
    l_shipinstruct char(25) not null,
    l_shipmode char(10) not null,
    l_comment varchar(44) not null,
    primary key (l_orderkey, l_linenumber)
)"
            }
        }
    }

    /// Rows at a scale factor; `lineitem`'s number is near, the others are exact.
    pub fn rows(self, scale: f64) -> u64 {
        let scaled = |rows_at_one: f64| (rows_at_one * scale).round() as u64;
        match self {
            Self::Region => 5,
            Self::Nation => 25,
            Self::Supplier => scaled(10_000.0),
            Self::Part => scaled(200_000.0),
            Self::PartSupp => scaled(800_000.0),
            Self::Customer => scaled(150_000.0),
            Self::Orders => scaled(1_500_000.0),
            Self::LineItem => scaled(6_001_215.0),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|table| table.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("no table of TPC-H has this name: {name}"))
    }
}
