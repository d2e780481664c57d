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

    /// Whether this is the absolute form.
    static func isAbsolute(_ uri: String) -> Bool { endOfScheme(uri) != nil }

    private static func endOfScheme(_ uri: String) -> String.Index? {
        for scheme in ["http://", "https://"] where uri.lowercased().hasPrefix(scheme) {
            return uri.utf8.index(uri.startIndex, offsetBy: scheme.utf8.count)
        }
        return nil
    }
}

/// In order of arrival, the names in lower case.
func plainHeaders(_ headers: HTTPHeaders) -> [(name: String, value: String)] {
    headers.map { ($0.name.lowercased(), $0.value) }
}
