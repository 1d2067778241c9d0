#pragma once
// The few elements of SVG that pictures are made of.
#include <string>
#include <string_view>

namespace procrun::report {

/// `text` as it stands in XML, in an attribute too. It has to be what input::printable() leaves.
std::string xml(std::string_view text);

/// A length, with two decimals at the most.
std::string px(double length);

/// Elements, appended to one text. `class_name` is what the style sheet knows them by.
class Svg {
 public:
  void rect(std::string_view class_name, double x, double y, double width, double height,
            double radius);
  void line(std::string_view class_name, double x1, double y1, double x2, double y2);
  void circle(std::string_view class_name, double x, double y, double radius);
  void path(std::string_view class_name, std::string_view moves);
  void text(std::string_view class_name, double x, double y, std::string_view text);
  /// What follows, up to close(), says this where it is pointed at.
  void open(std::string_view title);
  void close() { out_ += "</g>\n"; }
  void add(std::string_view markup) { out_ += markup; }

  const std::string& markup() const noexcept { return out_; }

 private:
  std::string out_;
};

}  // namespace procrun::report
