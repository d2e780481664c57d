import Glibc

/// How the system comes to what is at a path, at this moment: by which links, and how far.
struct ResolvedPath: Equatable {
    /// The directories that the links are in: a change there may lead elsewhere.
    private(set) var links: Set<String> = []
    /// The directories that the way leads through, but for the root: one that gets another name
    /// leads nowhere any more.
    private(set) var passed: Set<String> = []
    /// The last directory: what is at the path, else what that is in, else the nearest there is.
    private(set) var end = "/"
    /// Whether there is something at the path.
    private(set) var isWhole = true

    /// As many as the kernel follows (path_resolution(7)).
    private static let linksMax = 40

    /// `path` is absolute.
    init(to path: String) {
        var place = ""
        var rest = Self.names(path)
        var followed = 0
        while let name = rest.popLast() {
            let next = "\(place)/\(name)"
            var status = stat()
            guard lstat(next, &status) == 0, followed <= Self.linksMax else {
                isWhole = false
                break
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                place = next
                passed.insert(next)
            case S_IFLNK:
                links.insert(Self.named(place))
                followed += 1
                let target = Self.target(of: next)
                if target.hasPrefix("/") { place = "" }
                rest += Self.names(target)
            default:
                // A file: with more behind it, there is nothing.
                isWhole = rest.isEmpty
                rest = []
            }
        }
        end = Self.named(place)
    }

    private static func named(_ directory: String) -> String {
        directory.isEmpty ? "/" : directory
    }

    /// The parts of a path, the last one first.
    private static func names(_ path: String) -> [String] {
        path.split(separator: "/").reversed().map(String.init)
    }

    /// What a link says; empty where it is none any more.
    private static func target(of link: String) -> String {
        var characters = [CChar](repeating: 0, count: 4096)
        let count = readlink(link, &characters, characters.count)
        let bytes = characters.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
