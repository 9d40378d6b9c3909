//! How large the tables are.

/// Districts of a warehouse.
pub const DISTRICTS: u32 = 10;
/// Rows of `supplier`, whatever the scale.
pub const SUPPLIERS: u32 = 10_000;

/// How large the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Warehouses, from 1.
    pub warehouses: u32,
    /// Items, and stocks of a warehouse.
    pub items: u32,
    /// Customers of a district, and orders that it begins with.
    pub customers: u32,
}

impl Scale {
    /// The specification's.
    pub fn full(warehouses: u32) -> Self {
        Self { warehouses: warehouses.max(1), items: 100_000, customers: 3_000 }
    }

    /// A tenth of it a warehouse.
    pub fn tenth(warehouses: u32) -> Self {
        Self { warehouses: warehouses.max(1), items: 10_000, customers: 300 }
    }

    /// A hundredth of it a warehouse.
    pub fn hundredth(warehouses: u32) -> Self {
        Self { warehouses: warehouses.max(1), items: 1_000, customers: 30 }
    }

    /// Orders of a district that are delivered when it begins: seven in ten. They are its oldest.
    pub fn delivered(self) -> u32 {
        self.customers / 10 * 7
    }

    /// Different last names that its customers have.
    pub fn last_names(self) -> u32 {
        self.customers.min(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_size_is_the_specification_s() {
        let scale = Scale::full(2);
        assert_eq!((scale.delivered(), scale.last_names()), (2_100, 1_000));
        assert_eq!((Scale::tenth(0).delivered(), Scale::tenth(0).last_names()), (210, 300));
    }
}
