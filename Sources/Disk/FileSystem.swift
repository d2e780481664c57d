import CPlatform
import Glibc

/// What kind of file system a directory is on, as far as it matters for what is to last.
package enum FileSystem: Equatable, Sendable {
    /// In memory: gone with a power cut. The name, as `mount` has it.
    case memory(String)
    /// On another machine: what a sync and a lock are worth is that one's business.
    case network(String)
    /// The layer of a container: gone with it.
    case container(String)
    /// Any other.
    case local

    /// The file system of what is at `path`.
    package init(of path: String) throws(StorageError) {
        let number = try check(platform_file_system(path), "statfs", path)
        self.init(number: UInt32(truncatingIfNeeded: number))
    }

    /// By the number that statfs(2) gives; `linux/magic.h` and that page list them.
    package init(number: UInt32) {
        self =
            switch number {
            case 0x0102_1994: .memory("tmpfs")
            case 0x8584_58F6: .memory("ramfs")
            case 0x6969: .network("nfs")
            case 0x517B: .network("smbfs")
            case 0xFF53_4D42: .network("cifs")
            case 0xFE53_4D42: .network("smb2")
            case 0x0102_1997: .network("9p")
            case 0x00C3_6400: .network("ceph")
            case 0x5346_414F, 0x6B41_4653: .network("afs")
            case 0x7375_7245: .network("coda")
            case 0x794C_7630: .container("overlay")
            default: .local
            }
    }

    /// Whether files there have modes of their own: what shows the files of Windows makes them up,
    /// and nobody can change them.
    package var keepsModes: Bool {
        switch self {
        case .network("9p"), .network("smbfs"), .network("cifs"), .network("smb2"): false
        case .network, .memory, .container, .local: true
        }
    }

    /// What an operator should know who keeps data in `path`; nil: nothing.
    package func warning(path: String) -> String? {
        switch self {
        case .memory(let name):
            "\(path) is on \(name), in memory: it does not survive a power cut. Use a directory on "
                + "a disk for what is to last."
        case .network(let name):
            "\(path) is on \(name), a network file system: whether a sync reaches a disk, and "
                + "whether a lock keeps a second engine out, is up to its server. Use a disk of "
                + "this machine."
        case .container(let name):
            "\(path) is on \(name), the layer of a container: it goes when the container goes. "
                + "Mount a volume there."
        case .local:
            nil
        }
    }
}
