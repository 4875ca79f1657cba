#pragma once

namespace millrace::jsonata {

/// Rounds to `precision` decimal places (negative: tens, hundreds), halves to the even neighbour.
/// NaN where `precision` is no whole number or the number cannot be shifted so far.
double round_half_even(double number, double precision);

}  // namespace millrace::jsonata
