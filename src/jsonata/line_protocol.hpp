#pragma once

#include <string>
#include <string_view>

namespace millrace::jsonata {

/// One request of `millrace eval --serve` answered: a JSON document each way, without the line's end.
///   {"id":N,"expr":"…","data":…?,"bindings":{…}?,"timelimit":ms?,"depth":n?}
///   {"id":N,"result":…} | {"id":N,"undefined":true} | {"id":N,"result":null,"function":true} |
///   {"id":N,"error":{"code":…,"phase":"compile"|"eval",…}}
std::string answer_line(std::string_view request);

}  // namespace millrace::jsonata
