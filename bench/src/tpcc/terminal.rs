//! A client that runs transactions one after the other, and runs one again if it lost a race.

use mysql::Conn;
use mysql::prelude::Queryable;

use super::delivery::Delivery;
use super::mix::Kind;
use super::new_order::NewOrder;
use super::order_status::OrderStatus;
use super::outcome::{Ended, Failure};
use super::payment::Payment;
use super::random::Source;
use super::scale::{DISTRICTS, Scale};
use super::stock_level::StockLevel;

/// How often one transaction may lose a race. Far more than a server that lets one of two go on ever needs.
const MOST_TRIES: u32 = 100;

/// Where a terminal stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The size of the whole company.
    pub scale: Scale,
    /// The terminal's warehouse.
    pub warehouse: u32,
}

impl Place {
    /// A district of the warehouse.
    pub fn district(self, source: &mut Source) -> u32 {
        source.number(1, DISTRICTS)
    }

    /// Another warehouse, or the same if there is no other.
    pub fn other_warehouse(self, source: &mut Source) -> u32 {
        if self.scale.warehouses < 2 {
            return self.warehouse;
        }
        let drawn = source.number(1, self.scale.warehouses - 1);
        if drawn < self.warehouse { drawn } else { drawn + 1 }
    }
}

/// One of the five, with its prepared statements.
pub trait Transaction: Sized {
    /// What the user at the terminal types in.
    type Input;

    /// Prepares the statements.
    ///
    /// # Errors
    /// When the server refuses one.
    fn prepare(connection: &mut Conn) -> mysql::Result<Self>;

    /// Draws an input.
    ///
    /// # Errors
    /// When the machine's clock is far off.
    fn input(source: &mut Source, place: Place) -> anyhow::Result<Self::Input>;

    /// Runs the statements, without the commit.
    ///
    /// # Errors
    /// When one fails, or its answer is wrong.
    fn run(&self, connection: &mut Conn, input: &Self::Input) -> Result<Ended, Failure>;
}

/// What takes part in every writing transaction of a terminal.
pub trait Rider: Send {
    /// Runs statements of its own right before the commit.
    ///
    /// # Errors
    /// When one fails.
    fn before_commit(&mut self, connection: &mut Conn) -> Result<(), Failure>;

    /// The server has acknowledged the commit.
    fn committed(&mut self);
}

/// Nobody.
impl Rider for () {
    fn before_commit(&mut self, _: &mut Conn) -> Result<(), Failure> {
        Ok(())
    }

    fn committed(&mut self) {}
}

/// A transaction that ended as it should.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// How.
    pub ended: Ended,
    /// How often it had lost a race before.
    pub retries: u32,
}

/// A client.
#[derive(Debug)]
pub struct Terminal {
    connection: Conn,
    place: Place,
    source: Source,
    new_order: NewOrder,
    payment: Payment,
    order_status: OrderStatus,
    delivery: Delivery,
    stock_level: StockLevel,
}

impl Terminal {
    /// The client of this number, from 0, on a connection of its own. Clients are spread over the
    /// warehouses; one seed and number draw the same inputs.
    ///
    /// # Errors
    /// When the server refuses a statement.
    pub fn new(mut connection: Conn, number: u32, scale: Scale, seed: u64) -> mysql::Result<Self> {
        Ok(Self {
            new_order: NewOrder::prepare(&mut connection)?,
            payment: Payment::prepare(&mut connection)?,
            order_status: OrderStatus::prepare(&mut connection)?,
            delivery: Delivery::prepare(&mut connection)?,
            stock_level: StockLevel::prepare(&mut connection)?,
            connection,
            place: Place { scale, warehouse: number % scale.warehouses + 1 },
            source: Source::new(seed ^ (u64::from(number) << 32)),
        })
    }

    /// Which transaction comes next.
    pub fn next_kind(&mut self) -> Kind {
        Kind::draw(&mut self.source)
    }

    /// Runs one transaction to its end.
    ///
    /// # Errors
    /// When it fails otherwise than by losing a race. It is rolled back if the connection still works.
    pub fn run(&mut self, kind: Kind, rider: &mut impl Rider) -> Result<Done, Failure> {
        let Self { connection, place, source, .. } = self;
        match kind {
            Kind::NewOrder => run(&self.new_order, connection, source, *place, Some(rider)),
            Kind::Payment => run(&self.payment, connection, source, *place, Some(rider)),
            Kind::Delivery => run(&self.delivery, connection, source, *place, Some(rider)),
            Kind::OrderStatus => run(&self.order_status, connection, source, *place, None::<&mut ()>),
            Kind::StockLevel => run(&self.stock_level, connection, source, *place, None::<&mut ()>),
        }
    }
}

/// Runs one transaction to its end on a connection that has prepared nothing for it: the driver keeps what it
/// prepares.
///
/// # Errors
/// As [`Terminal::run`].
pub fn perform(kind: Kind, connection: &mut Conn, source: &mut Source, place: Place) -> Result<Done, Failure> {
    let nobody = None::<&mut ()>;
    match kind {
        Kind::NewOrder => run(&NewOrder::prepare(connection)?, connection, source, place, nobody),
        Kind::Payment => run(&Payment::prepare(connection)?, connection, source, place, nobody),
        Kind::Delivery => run(&Delivery::prepare(connection)?, connection, source, place, nobody),
        Kind::OrderStatus => run(&OrderStatus::prepare(connection)?, connection, source, place, nobody),
        Kind::StockLevel => run(&StockLevel::prepare(connection)?, connection, source, place, nobody),
    }
}

fn run<T: Transaction>(
    transaction: &T,
    connection: &mut Conn,
    source: &mut Source,
    place: Place,
    mut rider: Option<&mut impl Rider>,
) -> Result<Done, Failure> {
    let input = T::input(source, place).map_err(|error| Failure::Wrong(format!("{error:#}")))?;
    let mut retries = 0;
    loop {
        match attempt(transaction, connection, &input, rider.as_deref_mut()) {
            Ok(ended) => return Ok(Done { ended, retries }),
            Err(failure) => {
                let rolled_back = connection.query_drop("rollback");
                if !failure.lost_race() || retries == MOST_TRIES {
                    return Err(failure);
                }
                rolled_back?;
                retries += 1;
            }
        }
    }
}

fn attempt<T: Transaction>(
    transaction: &T,
    connection: &mut Conn,
    input: &T::Input,
    mut rider: Option<&mut impl Rider>,
) -> Result<Ended, Failure> {
    connection.query_drop("begin")?;
    let ended = transaction.run(connection, input)?;
    match ended {
        Ended::Committed => {
            if let Some(rider) = &mut rider {
                rider.before_commit(connection)?;
            }
            connection.query_drop("commit")?;
            if let Some(rider) = rider {
                rider.committed();
            }
        }
        Ended::RolledBack => connection.query_drop("rollback")?,
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_warehouse_is_another_one() {
        let mut source = Source::new(1);
        let place = |warehouses, warehouse| Place { scale: Scale::full(warehouses), warehouse };
        assert_eq!(place(1, 1).other_warehouse(&mut source), 1);
        for _ in 0..1_000 {
            let other = place(10, 4).other_warehouse(&mut source);
            assert!((1..=10).contains(&other) && other != 4);
        }
    }
}
