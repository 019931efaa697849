//! The simulator's contract, item by item (quickbooks.md §12): a test for each clause, named after its item. Item 1, signing
//! in, is proved beside this list. What a clause leaves open is proved for its default and for its switch.

mod batches;
mod books_and_limits;
mod completion;
mod lists_and_payments;
mod money;
mod queries;
mod repeats;
mod rules;
