//! Flush: everything applied so far into files, then the manifest.
//!
//! For each table: seal the deltas (one short step under the update guard, after which the sealed
//! parts are what this flush is about), write the sealed memory parts as chunk files and the delete
//! vectors as of the seal, exchange memory for files under the guard. The record that goes into the
//! manifest describes the version as sealed: every row in it and every deletion by a row in it, and
//! nothing of what came later. The replay position is taken *before* the first seal, so each table's
//! record holds at least all that the position promises.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engine::Inner;
use super::table::{Table, TableVersion};
use crate::delete_vector::{DeleteVector, StoredVector};
use crate::delta::DeltaPart;
use crate::error::{Error, Result};
use crate::manifest::{ChunkRecord, Manifest, SegmentRecord, TableRecord};
use crate::row_set::{RowSet, Rows};
use crate::segment::Segment;
use crate::types::{TableSchema, Timestamp};

impl Inner {
    /// See the module documentation. Blocks for as long as the disk takes.
    pub(super) fn flush(&self) -> Result<()> {
        let _commit = self.commit.lock();
        let position = self.position.lock().clone();
        let tables: Vec<Arc<Table>> = self.tables.read().values().cloned().collect();
        let mut records = Vec::new();
        // Whatever the records name must stay until the manifest names it, even if it is merged
        // away in memory meanwhile.
        let mut pins = Vec::new();
        for table in tables {
            let (record, version) = self.persist(&table)?;
            records.push(record);
            pins.push(version);
        }
        let manifest = Manifest {
            next_file: self.files.next(),
            next_segment: self.next_segment.load(Ordering::SeqCst),
            replay: position.replay.clone(),
            replay_floor: position.floor,
            written: self.files.written.stats(),
            tables: records,
        };
        let bytes = manifest.commit(self.files.store())?;
        self.files.written.count_manifest(bytes);
        let named = manifest.files();
        *self.durable.write() = Arc::new(manifest);
        drop(pins);
        self.files.remove_unnamed(&named)?;
        Ok(())
    }

    /// Makes one table's present content durable and gives its record, with a version that holds
    /// the record's files open.
    fn persist(&self, table: &Table) -> Result<(TableRecord, Vec<Segment>)> {
        let _maintenance = table.maintenance.lock();
        let sealed = seal(table);
        if let Some(damage) = &sealed.damage {
            return Ok((damage.record.clone(), Vec::new()));
        }
        let flushed: Vec<Segment> =
            sealed.segments.iter().map(|s| self.write_chunks(s, &sealed.schema)).collect::<Result<_>>()?;
        exchange(table, &sealed, &flushed);

        let mut persisted = table.persisted.lock();
        let mut records = Vec::new();
        for segment in &flushed {
            let known = persisted.iter().find(|(sets, _)| same_sets(sets, segment)).map(|(_, r)| r.clone());
            let record = known.filter(|r| r.id == segment.id && r.next_ordinal == segment.delta.next());
            records.push(record.map_or_else(|| self.segment_record(segment), Ok)?);
        }
        *persisted = flushed.iter().map(|s| s.sets().cloned().collect()).zip(records.iter().cloned()).collect();
        let record = TableRecord {
            schema: (*sealed.schema).clone(),
            floor: sealed.floor,
            collected: Timestamp(table.collected.load(Ordering::SeqCst)),
            max_commit_ts: sealed.max_commit_ts,
            segments: records,
        };
        Ok((record, flushed))
    }

    /// The sealed segment with its memory parts in files.
    fn write_chunks(&self, segment: &Segment, schema: &Arc<TableSchema>) -> Result<Segment> {
        let mut out = segment.clone();
        let mut run: Vec<&DeltaPart> = Vec::new();
        let parts = segment.delta.parts();
        for (i, part) in parts.iter().enumerate() {
            if matches!(part.set.rows, Rows::Memory(_)) {
                run.push(part);
            }
            let goes_on = parts
                .get(i + 1)
                .is_some_and(|next| matches!(next.set.rows, Rows::Memory(_)) && next.start == part.end());
            if goes_on || run.is_empty() {
                continue;
            }
            let chunk = self.write_chunk(&run, schema)?;
            out.delta.replace(chunk.start, chunk.end(), vec![chunk]);
            run.clear();
        }
        // Chunks are joined as the tail is, so that frequent flushes do not leave a long list.
        while let Some(from) = out.delta.joinable() {
            let run: Vec<&DeltaPart> = out.delta.parts().iter_from(from).collect();
            let chunk = self.write_chunk(&run, schema)?;
            out.delta.replace(chunk.start, chunk.end(), vec![chunk]);
        }
        Ok(out)
    }

    fn write_chunk(&self, run: &[&DeltaPart], schema: &TableSchema) -> Result<DeltaPart> {
        let mut writer = self.files.create_pack(schema, false)?.with_helpers(self.pool.clone());
        for part in run {
            for zone in 0..part.set.rows.zone_count() {
                writer.write(part.set.rows.read_zone(schema, zone)?)?;
            }
        }
        let pack = self.files.finish_pack(writer)?;
        let deletes = DeleteVector::concat(run.iter().map(|p| p.set.deletes.as_ref()));
        Ok(DeltaPart { start: run[0].start, set: RowSet::file(pack, deletes)? })
    }

    /// Writes the segment's delete vectors and describes it. All of its rows are in files.
    fn segment_record(&self, segment: &Segment) -> Result<SegmentRecord> {
        let file = |set: &RowSet| {
            set.rows.file().ok_or_else(|| Error::Internal(format!("segment {} has rows without a file", segment.id)))
        };
        let vectors: Vec<StoredVector> = segment.sets().map(|s| StoredVector::from(s.deletes.as_ref())).collect();
        let any = segment.sets().any(|s| s.deletes.current().count() > 0);
        let chunk = |p: &DeltaPart| Ok(ChunkRecord { file: file(&p.set)?, start: p.start });
        Ok(SegmentRecord {
            id: segment.id,
            range: segment.range.clone(),
            next_ordinal: segment.delta.next(),
            stable: segment.stable.packs.iter().map(file).collect::<Result<_>>()?,
            delta: segment.delta.parts().iter().map(chunk).collect::<Result<_>>()?,
            history: segment.history.iter().map(file).collect::<Result<_>>()?,
            deletes: if any { Some(self.files.write_deletes(&vectors)?) } else { None },
        })
    }
}

/// Seals every delta of the table and gives the version so made.
fn seal(table: &Table) -> Arc<TableVersion> {
    let guard = table.update();
    let mut version = (*guard.version()).clone();
    for segment in &mut version.segments {
        if segment.delta.sealed() < segment.delta.next() {
            Arc::make_mut(segment).delta.seal();
        }
    }
    guard.publish(version)
}

/// Puts the chunk files in the place of the memory parts that they hold, with the deletions that
/// have come since.
fn exchange(table: &Table, sealed: &TableVersion, flushed: &[Segment]) {
    let guard = table.update();
    let mut version = (*guard.version()).clone();
    for ((as_sealed, flushed), now) in sealed.segments.iter().zip(flushed).zip(&mut version.segments) {
        for chunk in flushed.delta.parts() {
            let within = |p: &&DeltaPart| chunk.start <= p.start && p.start < chunk.end();
            let before: Vec<_> = as_sealed.delta.parts().iter().filter(within).collect();
            if before.len() == 1 && before[0].set.rows.same(&chunk.set.rows) {
                continue;
            }
            let after: Vec<_> = now.delta.parts().iter().filter(within).collect();
            let mut chunk = chunk.clone();
            if !before.iter().zip(&after).all(|(a, b)| Arc::ptr_eq(&a.set.deletes, &b.set.deletes)) {
                chunk.set.deletes = Arc::new(DeleteVector::concat(after.iter().map(|p| p.set.deletes.as_ref())));
            }
            Arc::make_mut(now).delta.replace(chunk.start, chunk.end(), vec![chunk]);
        }
        if cfg!(debug_assertions) {
            now.validate();
        }
    }
    guard.publish(version);
}

/// Whether the segment consists of the very same rows and deletions.
fn same_sets(sets: &[RowSet], segment: &Segment) -> bool {
    let same = |(a, b): (&RowSet, &RowSet)| a.rows.same(&b.rows) && Arc::ptr_eq(&a.deletes, &b.deletes);
    sets.len() == segment.sets().count() && sets.iter().zip(segment.sets()).all(same)
}
