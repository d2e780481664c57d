import Cron
import Disk
import Glibc

/// The time zone database of the system: `/usr/share/zoneinfo`, or where `TZDIR` says.
///
/// A file is read when a trigger names its zone, a few kilobytes at a time; a database that was
/// brought up to date counts for the triggers that are registered from then on.
enum ZoneDatabase {
    static func zones(standard: String) -> TimeZones {
        TimeZones(
            standard: rules(of: standard) ?? .utc,
            find: rules,
            isMissing: { isMissing }
        )
    }

    /// Whether the database is not there, or nothing is in it.
    static var isMissing: Bool {
        guard let folder = opendir(directory) else { return true }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            guard entry.pointee.d_name.0 == CChar(UInt8(ascii: ".")) else { return false }
        }
        return true
    }

    /// - Returns: nil: there is no such zone, or no database.
    static func rules(of name: String) -> TimeZoneRules? {
        if name == TimeZoneRules.utc.name { return .utc }
        guard isName(name), let bytes = read("\(directory)/\(name)") else { return nil }
        return TimeZoneRules(name: name, tzif: bytes)
    }

    static let directory: String = {
        guard let given = getenv("TZDIR") else { return "/usr/share/zoneinfo" }
        return String(cString: given)
    }()

    /// A name cannot lead out of the database.
    private static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy { byte in
                    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                        || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
                        || "_+-.".utf8.contains(byte)
                }
        }
    }

    /// A file with as many bytes is none of a zone.
    private static let bytesMax = 1 << 16

    private static func read(_ path: String) -> [UInt8]? {
        do throws(SystemError) {
            let bytes = try SmallFile.read(path, limit: bytesMax)
            return bytes.count < bytesMax ? bytes : nil
        } catch {
            return nil
        }
    }
}
