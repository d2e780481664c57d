package import Disk
package import Primitives
import RecordFormat

extension SnapshotFolder {
    /// How far the log `engine` went, as its snapshots say: they are made of durable records only,
    /// so a log that ends before has lost some. The first page of a snapshot tells it, whatever
    /// became of the rest. Where nothing tells which engine's the log is, each snapshot counts:
    /// what stands beside a log is of it.
    ///
    /// - Returns: the offset behind the last record of which there is a snapshot; zero where none
    ///   says anything.
    package func reach(of engine: UUID128?) -> Offset {
        let page = AlignedMemory(capacity: Layout.page)
        do throws(StorageError) {
            for number in try numbers() {
                guard let header = header(number, page), header.next.rawValue == number,
                    header.engine == engine ?? header.engine
                else { continue }
                return header.next
            }
        } catch {
            // Folders that cannot be listed say nothing.
        }
        return .zero
    }

    /// The first page of a snapshot, read through `page`; nil where it cannot be read.
    private func header(_ number: UInt64, _ page: borrowing AlignedMemory) -> SnapshotHeader? {
        do throws(StorageError) {
            guard try open(number).read(at: 0, into: page.bytes) else { return nil }
        } catch {
            return nil
        }
        return SnapshotHeader.read(page.prefix(Layout.page))
    }
}
