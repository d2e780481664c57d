import NIOCore
import NIOHTTP1

/// The target of a request, as it stood on the request line (RFC 9112, 3.2).
package struct HTTPTarget: Equatable {
    package let path: String
    package let query: String?

    /// The absolute form, which proxies use, is reduced to its path and query.
    package init(_ uri: String) {
        let utf8 = uri.utf8
        var start = utf8.startIndex
        if utf8.first != UInt8(ascii: "/"), let scheme = Self.endOfScheme(uri) {
            let ends = [UInt8(ascii: "/"), UInt8(ascii: "?")]
            start = utf8[scheme...].firstIndex { ends.contains($0) } ?? utf8.endIndex
        }
        let mark = utf8[start...].firstIndex(of: UInt8(ascii: "?"))
        let path = uri[start..<(mark ?? utf8.endIndex)]
        self.path = path.isEmpty ? "/" : String(path)
        query = mark.map { String(uri[utf8.index(after: $0)...]) }
    }

    /// Whether a request of this method may have this target: a path, the absolute form, or the
    /// asterisk of `OPTIONS` for all of the server (RFC 9112, 3.2.4).
    static func isTarget(_ uri: String, of method: String) -> Bool {
        uri.utf8.first == UInt8(ascii: "/") || uri == "*" && method == "OPTIONS"
            || endOfScheme(uri) != nil
    }

    static let malformed = Refusal(400, "the request target must be a path or an absolute URL")

    private static func endOfScheme(_ uri: String) -> String.Index? {
        for scheme in ["http://", "https://"] where uri.lowercased().hasPrefix(scheme) {
            return uri.utf8.index(uri.startIndex, offsetBy: scheme.utf8.count)
        }
        return nil
    }
}

/// In order of arrival, the names in lower case, cookies in one.
func plainHeaders(_ headers: HTTPHeaders) -> [(name: String, value: String)] {
    joiningCookies(headers.map { ($0.name.lowercased(), $0.value) })
}

/// The same headers, names in lower case, with all `cookie` in the place of the first: clients of
/// HTTP/2 send a field for each pair, of which everybody else knows one (RFC 9113, 8.2.3).
func joiningCookies(
    _ headers: [(name: String, value: String)]
) -> [(name: String, value: String)] {
    guard let first = headers.firstIndex(where: { $0.name == "cookie" }),
        headers[(first + 1)...].contains(where: { $0.name == "cookie" })
    else { return headers }
    var joined = headers.enumerated().filter { $0.offset <= first || $0.element.name != "cookie" }
        .map(\.element)
    joined[first].value = headers.filter { $0.name == "cookie" }.map(\.value)
        .joined(separator: "; ")
    return joined
}

extension String {
    /// Whether it has nothing but what a host and a port are written with (RFC 9112, 3.2; RFC 3986,
    /// 3.2.2), as it must in `Host`; it may be empty.
    var isHost: Bool {
        utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: Self.hostMarks.contains(byte)
            }
        }
    }

    private static let hostMarks = Array("-._~%!$&'()*+,;=:[]".utf8)
}
