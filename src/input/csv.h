#pragma once
// Comma-separated values as RFC 4180 has them: a field in quotes may hold separators, newlines, and
// quotes (doubled).
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/source.h"

namespace procrun::input {

/// The records of a file of such values, put together from the lines that `lines` brings, where a
/// field in quotes goes on behind the `delimiter` that ended a line. A carriage return before a
/// newline that ends a record is dropped. Throws what `lines` throws, and std::runtime_error with
/// `name` where a record is longer than kMaxItem or its last quote is never closed.
std::unique_ptr<Source> csv_records(std::unique_ptr<Source> lines, char separator, char delimiter,
                                    const std::string& name);

/// Appends the fields of one record, one at least. A quote within a field that does not begin with
/// one is text. Throws std::runtime_error, showing the record, where text follows a closing quote
/// or there is none.
void split_csv(std::string_view record, char separator, std::vector<std::string>& fields);

}  // namespace procrun::input
