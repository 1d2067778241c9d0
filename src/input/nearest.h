#pragma once
// What somebody meant who has misspelt a word.
#include <string>
#include <vector>

namespace procrun::input {

/// The one of `known` that is nearest to `word`, if any is near enough to be meant; else empty.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace procrun::input
