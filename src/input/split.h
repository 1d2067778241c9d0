#pragma once
// Lists in one word.
#include <string>
#include <vector>

namespace procrun::input {

/// The parts of `text` between the separators; empty ones too, and one for an empty text.
std::vector<std::string> split(const std::string& text, char separator);

}  // namespace procrun::input
