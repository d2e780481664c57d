import CDashboardApp
import NetServer
import Primitives

/// The files of the web app, which the binary carries.
struct DashboardPages: Sendable {
    private struct Page: Sendable {
        let type: String
        let bytes: [UInt8]
        /// Tells one version of the file from another.
        let tag: String
    }

    private let pages: [String: Page]

    static let shared = DashboardPages()

    private init() {
        var pages: [String: Page] = [:]
        var index = 0
        while true {
            let file = dashboard_file_at(index)
            guard let path = file.path, let type = file.type, let bytes = file.bytes else { break }
            let content = Array(UnsafeBufferPointer(start: bytes, count: file.count))
            var hash = ContentHash()
            hash.add(content)
            pages[String(cString: path)] = Page(
                type: String(cString: type),
                bytes: content,
                tag: "\"\(hexadecimal(hash.value))\""
            )
            index += 1
        }
        self.pages = pages
    }

    /// `known` is the `If-None-Match` of the request.
    ///
    /// - Returns: nil: there is no such page.
    func reply(_ path: String, known: String?) -> HTTPReply? {
        guard let page = pages[path] else { return nil }
        let headers = [
            ("content-type", page.type), ("cache-control", "no-cache"), ("etag", page.tag),
        ]
        if known == page.tag {
            return HTTPReply(status: 304, headers: headers, vouched: DashboardReply.security)
        }
        return HTTPReply(
            status: 200,
            headers: headers,
            vouched: DashboardReply.security,
            body: page.bytes
        )
    }
}
