//! Image readers, views, batch sampling and synthetic pairs with known mutual information.
