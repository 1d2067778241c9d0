#include "sys/error.h"

#include <new>
#include <string>
#include <system_error>

namespace procrun::sys {

void fail(std::string_view what, int error) {
  throw std::system_error(error, std::generic_category(), std::string(what));
}

void fail(std::string_view what) { fail(what, errno); }

std::string words_of(const std::exception& error) {
  const bool is_lack = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  return is_lack ? "out of memory" : error.what();
}

}  // namespace procrun::sys
