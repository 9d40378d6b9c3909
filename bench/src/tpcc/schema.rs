//! The twelve tables.

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The regions of the world.
    Region,
    /// Their nations.
    Nation,
    /// Who supplies the stocks.
    Supplier,
    /// What is sold.
    Item,
    /// Where it is sold from.
    Warehouse,
    /// A warehouse's part of the market.
    District,
    /// How much of each item a warehouse has.
    Stock,
    /// Who buys in a district.
    Customer,
    /// Payments.
    History,
    /// Orders.
    Orders,
    /// Those not delivered yet.
    NewOrder,
    /// What was ordered.
    OrderLine,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Region,
        Self::Nation,
        Self::Supplier,
        Self::Item,
        Self::Warehouse,
        Self::District,
        Self::Stock,
        Self::Customer,
        Self::History,
        Self::Orders,
        Self::NewOrder,
        Self::OrderLine,
    ];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Nation => "nation",
            Self::Supplier => "supplier",
            Self::Item => "item",
            Self::Warehouse => "warehouse",
            Self::District => "district",
            Self::Stock => "stock",
            Self::Customer => "customer",
            Self::History => "history",
            Self::Orders => "orders",
            Self::NewOrder => "new_order",
            Self::OrderLine => "order_line",
        }
    }

    /// The statement that creates it.
    pub fn ddl(self) -> &'static str {
        match self {
            Self::Region => {
                "create table region (r_regionkey bigint not null primary key, r_name char(25) not null, \
                 r_comment varchar(152))"
            }
            Self::Nation => {
                "create table nation (n_nationkey bigint not null primary key, n_name char(25) not null, \
                 n_regionkey bigint not null, n_comment varchar(152))"
            }
            Self::Supplier => {
                "create table supplier (s_suppkey bigint not null primary key, s_name char(25) not null, \
                 s_address varchar(40) not null, s_nationkey bigint not null, s_phone char(15) not null, \
                 s_acctbal decimal(15,2) not null, s_comment varchar(101) not null)"
            }
            Self::Item => {
                "create table item (i_id int not null primary key, i_im_id int, i_name varchar(24), \
                 i_price decimal(5,2), i_data varchar(50))"
            }
            Self::Warehouse => {
                "create table warehouse (w_id int not null primary key, w_name varchar(10), w_street_1 varchar(20), \
                 w_street_2 varchar(20), w_city varchar(20), w_state char(2), w_zip char(9), w_tax decimal(4,4), \
                 w_ytd decimal(12,2))"
            }
            Self::District => {
                "create table district (d_id int not null, d_w_id int not null, d_name varchar(10), \
                 d_street_1 varchar(20), d_street_2 varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), \
                 d_tax decimal(4,4), d_ytd decimal(12,2), d_next_o_id int, primary key (d_w_id, d_id))"
            }
            Self::Stock => {
                "create table stock (s_i_id int not null, s_w_id int not null, s_quantity int, s_dist_01 char(24), \
                 s_dist_02 char(24), s_dist_03 char(24), s_dist_04 char(24), s_dist_05 char(24), s_dist_06 char(24), \
                 s_dist_07 char(24), s_dist_08 char(24), s_dist_09 char(24), s_dist_10 char(24), s_ytd int, \
                 s_order_cnt int, s_remote_cnt int, s_data varchar(50), primary key (s_w_id, s_i_id))"
            }
            Self::Customer => {
                "create table customer (c_id int not null, c_d_id int not null, c_w_id int not null, \
                 c_first varchar(16), c_middle char(2), c_last varchar(16), c_street_1 varchar(20), \
                 c_street_2 varchar(20), c_city varchar(20), c_state char(2), c_zip char(9), c_phone char(16), \
                 c_since datetime, c_credit char(2), c_credit_lim decimal(12,2), c_discount decimal(4,4), \
                 c_balance decimal(12,2), c_ytd_payment decimal(12,2), c_payment_cnt int, c_delivery_cnt int, \
                 c_data varchar(500), primary key (c_w_id, c_d_id, c_id), \
                 key customer_by_name (c_w_id, c_d_id, c_last, c_first))"
            }
            Self::History => {
                "create table history (h_c_id int not null, h_c_d_id int not null, h_c_w_id int not null, \
                 h_d_id int not null, h_w_id int not null, h_date datetime, h_amount decimal(6,2), h_data varchar(24))"
            }
            Self::Orders => {
                "create table orders (o_id int not null, o_d_id int not null, o_w_id int not null, o_c_id int, \
                 o_entry_d datetime, o_carrier_id int, o_ol_cnt int, o_all_local int, \
                 primary key (o_w_id, o_d_id, o_id), key orders_by_customer (o_w_id, o_d_id, o_c_id, o_id))"
            }
            Self::NewOrder => {
                "create table new_order (no_o_id int not null, no_d_id int not null, no_w_id int not null, \
                 primary key (no_w_id, no_d_id, no_o_id))"
            }
            Self::OrderLine => {
                "create table order_line (ol_o_id int not null, ol_d_id int not null, ol_w_id int not null, \
                 ol_number int not null, ol_i_id int not null, ol_supply_w_id int, ol_delivery_d datetime, \
                 ol_quantity int, ol_amount decimal(6,2), ol_dist_info char(24), \
                 primary key (ol_w_id, ol_d_id, ol_o_id, ol_number))"
            }
        }
    }
}
